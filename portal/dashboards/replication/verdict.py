"""Describes the state of replication, from the daemon's answer and the state database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from portal.dashboards.replication.daemon import Answer, Facts
from portal.dashboards.replication.saved import Saved
from portal.dashboards.templatetags.amounts import duration, thousands

Level = Literal["good", "warning", "bad"]

UP_TO_DATE_SECONDS: Final = 10.0
FAR_BEHIND_SECONDS: Final = 300.0
_SIDES: Final = {"source": "MySQL", "target": "MongoDB"}
_CALM: Final = "Nothing is lost: it goes on where it was."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state: `word` in short, then a sentence; `since` when, and what `since_what`.

    `lag_seconds` is None if it is unknown.
    """

    level: Level
    word: str
    sentence: str
    lag_seconds: float | None = None
    since: datetime | None = None
    since_what: str = ""


def verdict(answer: Answer, saved: Saved | None) -> Verdict:
    """Judge replication; `saved` is None before a first start, and if MongoDB does not answer."""
    if answer.status is not None:
        return _of_status(answer.status, answer.process or {})
    if answer.process is not None:
        lost = _lost(answer.process)
        return lost or Verdict("warning", "The daemon is slow", f"It runs, but {answer.problem}.")
    return _silent(answer.problem, saved)


def _silent(problem: str, saved: Saved | None) -> Verdict:
    said = f"{problem[:1].upper()}{problem[1:]}."
    word = "The daemon does not answer"
    if saved is None:
        return Verdict("bad", word, said)
    if saved.holder:
        more = f"{saved.holder[:1].upper()}{saved.holder[1:]} holds the stream's lease: it runs"
        more += " where the portal does not reach it, or it died a moment ago."
        return Verdict("bad", word, f"{said} {more}", None, saved.updated_at, "last wrote")
    if (last := saved.last_end) is not None:
        more = f"It ended by itself: {last.message}. What is written to MySQL waits there."
        then = f" What to do: {last.remedy}." if last.remedy else ""
        return Verdict("bad", "Stopped", f"{said} {more}{then}", None, last.at, "since")
    if saved.lapsed_at:
        more = "It did not give its lease back: it was killed, cut off, or it hangs."
        return Verdict(
            "bad", word, f"{said} {more}", None, saved.lapsed_at, "no sign of life since"
        )
    more = "It was stopped in good order. What is written to MySQL waits there."
    return Verdict("bad", word, f"{said} {more}", None, saved.updated_at, "last wrote")


def _of_status(status: Facts, process: Facts) -> Verdict:
    lag = status["lag_seconds"]
    if status["state"] == "standby":
        return _standby(status, lag)
    away = _lost(process, lag) or _unreachable(status, lag)
    return away or _first_copy(status, lag) or _by_lag(status, lag)


def _first_copy(status: Facts, lag: float | None) -> Verdict | None:
    """Judge a stream that is held while its tables are copied."""
    if status["state"] != "copying":
        return None
    rows = sum(each["rows"] for each in (status.get("copying") or {}).get("tables", ()))
    sentence = f"MySQL's tables are being copied; {thousands(rows)} rows are in MongoDB so far."
    return Verdict("warning", "First copy", sentence, lag)


def _standby(status: Facts, lag: float | None) -> Verdict:
    active = status["active"]
    if active is None:
        return Verdict("bad", "Nobody replicates", "A standby answers. It is about to take over.")
    judged = _by_lag(status, lag)
    who = f"A standby answers; process {active['pid']} on {active['host']} replicates."
    return Verdict(judged.level, judged.word, f"{judged.sentence} {who}", lag)


def _lost(process: Facts, lag: float | None = None) -> Verdict | None:
    """Judge a daemon that retries a side."""
    for side, name in {**_SIDES, "kafka": "Kafka"}.items():
        trouble: Mapping[str, Any] | None = process["trouble"].get(side) if process else None
        if trouble:
            tried = f"The daemon has been trying to reach {name} for {duration(trouble['seconds'])}"
            return Verdict("bad", f"{name} is away", f"{tried}: {trouble['error']}. {_CALM}", lag)
    return None


def _unreachable(status: Facts, lag: float | None) -> Verdict | None:
    for side, name in _SIDES.items():
        if error := status[side]["error"]:
            return Verdict("bad", f"{name} is away", f"{error}. {_CALM}", lag)
    return None


def _by_lag(status: Facts, lag: float | None) -> Verdict:
    if lag is None:
        return Verdict("warning", "Starting", "The daemon does not know yet how far behind it is.")
    if lag == 0:
        return Verdict("good", "Up to date", "MongoDB holds all that MySQL has committed.", lag)
    sentence = f"MongoDB is {duration(lag)} behind MySQL{_to_come(status)}."
    if lag <= UP_TO_DATE_SECONDS:
        return Verdict("good", "Up to date", sentence, lag)
    level: Level = "bad" if lag > FAR_BEHIND_SECONDS else "warning"
    return Verdict(level, "Behind", sentence, lag)


def _to_come(status: Facts) -> str:
    behind = status["transactions_behind"]
    if not behind:
        return ""
    return f"; {thousands(behind)} transaction{' is' if behind == 1 else 's are'} to come"
