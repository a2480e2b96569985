"""The way of a row, in three stations: MySQL, the daemon, MongoDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.dashboards.replication.daemon import Answer, Facts
from portal.dashboards.replication.verdict import Level
from portal.dashboards.templatetags.amounts import duration


@dataclass(frozen=True, slots=True)
class Station:
    """One of the three: its state in a word, and what more is known; no level if unknown."""

    name: str
    level: Level | None = None
    word: str = "not known"
    more: str = ""


def route(answer: Answer, *, reads_mongodb: bool) -> tuple[Station, Station, Station]:
    """Return the stations; `reads_mongodb`: the portal itself has just read there."""
    return (
        _side("MySQL", "source", answer),
        _daemon(answer),
        _target(_side("MongoDB", "target", answer), reads_mongodb=reads_mongodb),
    )


def _side(name: str, side: str, answer: Answer) -> Station:
    if answer.is_silent:
        return Station(name)
    host = _host(answer, side)
    if trouble := ((answer.process or {}).get("trouble") or {}).get(side):
        return Station(name, "bad", "away", f"tried for {duration(trouble['seconds'])}")
    if answer.status is not None and answer.status[side]["error"]:
        return Station(name, "bad", "away", host)
    process = answer.process
    if process is not None and process.get("role") == "active":
        if process.get(f"{side}_connected"):
            return Station(name, "good", "connected", host)
        return Station(name, "warning", "connecting", host)
    return Station(name) if answer.status is None else Station(name, "good", "reachable", host)


def _host(answer: Answer, side: str) -> str:
    """Return the host that is read; of the target nobody tells one."""
    if side != "source":
        return ""
    told: Any = (answer.process or {}).get("source_host")
    if not told and answer.status is not None:
        told = answer.status["source"].get("host")
    return str(told or "")


def _daemon(answer: Answer) -> Station:
    if answer.is_silent:
        return Station("cdc", "bad", "no answer")
    if answer.status is None:
        return Station("cdc", "warning", "slow", "its state takes long")
    return _by_state(answer.status)


def _by_state(status: Facts) -> Station:
    active = status["active"]
    where = f"process {active['pid']} on {active['host']}" if active else ""
    match status["state"]:
        case "active":
            return Station("cdc", "good", "replicating", where)
        case "copying":
            return Station("cdc", "warning", "first copy", where)
        case "standby" if active:
            return Station("cdc", "good", "replicating", where)
        case "standby":
            return Station("cdc", "bad", "standing by", "nobody replicates")
        case other:
            return Station("cdc", "warning", str(other), where)


def _target(told: Station, *, reads_mongodb: bool) -> Station:
    """Add what the portal knows itself."""
    if reads_mongodb:
        return Station("MongoDB", "good", "reachable", "by the portal") if not told.level else told
    if told.level == "good":
        return Station("MongoDB", "warning", told.word, "not by the portal")
    return told if told.level else Station("MongoDB", "bad", "no answer", "to the portal")
