"""Judges the age of the replicated data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.dashboards.replication.saved import Saved
from portal.dashboards.replication.verdict import Level, Verdict
from portal.dashboards.templatetags.amounts import duration

FRESH_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of the data in seconds, None if unknown, and its meaning."""

    level: Level
    age_seconds: float | None
    sentence: str
    since: datetime | None = None


def freshness(judged: Verdict, saved: Saved | None) -> Freshness:
    """Return the age: the lag as the daemon knows it, else that of the last replicated change."""
    lag = judged.lag_seconds
    if lag is not None:
        return _of_lag(lag)
    if saved is None or saved.committed_at is None:
        return Freshness("bad", None, "How old the data is cannot be told now.")
    age = max(0.0, (saved.now - saved.committed_at).total_seconds())
    return Freshness(
        "bad",
        age,
        "Replication does not answer. What was written since its last change may be missing.",
        saved.committed_at,
    )


def _of_lag(lag: float) -> Freshness:
    if lag <= FRESH_SECONDS:
        return Freshness("good", lag, "The data is up to date.")
    return Freshness(
        "warning",
        lag,
        f"What was written in the last {duration(lag)} may be missing: it is coming.",
    )
