"""What the daemon has kept of the last half hour, as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_MINUTE: Final = 60
_MOST_SAMPLES: Final = 2_000
_MOST_SECONDS: Final = 1e9
"""Thirty years: what is longer is no time of a daemon's."""

Lag = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Recent:
    """`lags` by time, in seconds since 1970 by this host's clock, None for an unknown lag.

    `changed_seconds_ago`: how long ago each table last changed.
    """

    lags: list[Lag] = field(default_factory=list)
    changed_seconds_ago: Mapping[str, float] = field(default_factory=dict)

    @property
    def as_json(self) -> str:
        """The lags as the page's script reads them."""
        return json.dumps(self.lags)

    @property
    def span_seconds(self) -> float:
        """How long they reach back."""
        return self.lags[-1][0] - self.lags[0][0] if self.lags else 0.0

    @property
    def highest(self) -> float | None:
        """The highest of them, None if none is known."""
        return max((lag for _, lag in self.lags if lag is not None), default=None)

    @property
    def minutes(self) -> list[tuple[datetime, float | None]]:
        """The highest lag of each minute, the latest first; None where it was never known."""
        highest: dict[int, float | None] = {}
        for at, lag in self.lags:
            minute = int(at // _MINUTE)
            known = [each for each in (highest.get(minute), lag) if each is not None]
            highest[minute] = max(known, default=None)
        return [
            (datetime.fromtimestamp(minute * _MINUTE, UTC), lag)
            for minute, lag in reversed(highest.items())
        ]


def recent(facts: Mapping[str, Any], now: float) -> Recent:
    """Read `/status?recent`; what is not as the daemon writes it is left out."""
    lags, tables = facts.get("lag_history"), facts.get("tables")
    return Recent(
        [
            (round(now - each[0], 1), each[1])
            for each in (lags if isinstance(lags, list) else [])[-_MOST_SAMPLES:]
            if _is_sample(each)
        ],
        {
            name: each["last_seconds_ago"]
            for name, each in (tables.items() if isinstance(tables, dict) else ())
            if isinstance(each, dict) and _is_time(each.get("last_seconds_ago"))
        },
    )


def _is_sample(each: Any) -> bool:
    return (
        isinstance(each, list)
        and len(each) == 2
        and _is_time(each[0])
        and (each[1] is None or _is_time(each[1]))
    )


def _is_time(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MOST_SECONDS
