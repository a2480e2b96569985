"""Log lines on stderr: JSON for programs, or a console format for people."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from cdc.config import LogConfig
from cdc.terminal.events import EventsAsFindings
from cdc.terminal.output import shown

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class _LibraryHandler(logging.StreamHandler[TextIO]):
    """Marks our handler among those that others may have set."""


def configure_for_command(spelling: Callable[[str], str] = str) -> None:
    """Send warnings to stderr as people read them; findings among them are told as such, once."""
    config = LogConfig(format="console", level="warning")
    configure(config, spelling, first=[EventsAsFindings()])


def configure(
    config: LogConfig, spelling: Callable[[str], str] = str, *, first: Sequence[Processor] = ()
) -> None:
    """Send every log line to stderr in the configured format, libraries' warnings included.

    `auto` is the console format on a terminal, else JSON.

    `spelling` rewrites the commands of a remedy as they are to be typed; `first` are processors
    that see an event before it is shown.
    """

    def spelled(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if isinstance(remedy := event.get("remedy"), str):
            event["remedy"] = spelling(remedy)
        return event

    for_people = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[config.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if for_people else [structlog.processors.format_exc_info]),
        spelled,
        _without_secrets,
        *([_without_orders] if for_people else []),
    ]
    renderer = _renderer(for_people=for_people)
    structlog.configure(
        processors=[*shared, *first, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, renderer, level=max(level, logging.WARNING))


def is_json() -> bool:
    """Return whether stderr now carries JSON lines."""
    return isinstance(structlog.get_config()["processors"][-1], structlog.processors.JSONRenderer)


def _renderer(*, for_people: bool) -> Processor:
    if not for_people:
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # the richer formatters print local variables: row values and passwords among them
        exception_formatter=structlog.dev.plain_traceback,
    )


def _without_orders(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape control characters of a terminal; a traceback keeps its lines."""
    return {name: shown(value) for name, value in event.items()}


def _json(event: EventDict, **_: Any) -> str:
    return json.dumps(event, default=str, ensure_ascii=False)


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank the credentials of every URL, in any driver's message."""
    return {key: _blanked(value) for key, value in event.items()}


def _blanked(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, str | BaseException) and "@" in (text := str(value)):
        return _CREDENTIALS.sub("***", text)
    return value


def _route_libraries(shared: list[Processor], renderer: Processor, *, level: int) -> None:
    """Route the log lines of libraries; only warnings, since below them pymongo logs documents."""
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _LibraryHandler)]:
        root.removeHandler(earlier)
    handler = _LibraryHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
