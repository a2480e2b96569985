"""Prints what a command's connections log as findings, each once."""

from __future__ import annotations

from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from cdc.terminal.output import in_a_line, say
from cdc.terminal.paths import from_here

_FINDINGS: Final = {
    "source_host_refused": ("warning", "{host} source: {error}"),
    "xa_not_checked": ("not checked", "XA RECOVER: the account may not see what is prepared"),
}
"""By the event: the outcome, and what is printed of it."""


class EventsAsFindings:
    """A processor of structlog: prints such events as `cdc check` does, and lets others pass."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._told: set[str] = set()

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Return the event; raises DropEvent if it is told now, or was before."""
        if event["event"] not in _FINDINGS:
            return event
        outcome, pattern = _FINDINGS[event["event"]]
        remedy = f"; {event['remedy']}" if event.get("remedy") else ""
        text = from_here(in_a_line(f"{outcome:11} {pattern.format(**event)}{remedy}"))
        if text not in self._told:
            self._told.add(text)
            say(text, err=True)
        raise structlog.DropEvent
