"""Prints foreign text on terminals: control characters in it have no effect.

Names of tables, values and errors come from the source and from the state database. A terminal
obeys some characters, and a line break begins another line.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final, Literal

import click
from bson import json_util

_ORDERS: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, except tabs and line breaks
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of what follows
    r"\u2028\u2029\ud800-\udfff\ufff9-\ufffb"  # other line breaks, halves of characters, notes
)
_OBEYED: Final = re.compile(f"[{_ORDERS}]")
_OBEYED_IN_A_LINE: Final = re.compile(f"[\t\n{_ORDERS}]")


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print lines of text, or JSON; its strings mean the same after escaping."""
    click.echo(escaped(text), err=err, nl=nl)


def say_escaped(lines: str) -> None:
    """Print lines whose foreign parts are escaped; colours show on a terminal without NO_COLOR."""
    click.echo(lines, color=False if os.environ.get("NO_COLOR") else None)


Colour = Literal["green", "yellow", "red"]


def coloured(text: object, colour: Colour | None) -> str:
    """Return a text escaped for a single line, in a colour."""
    return in_a_line(text) if colour is None else click.style(in_a_line(text), fg=colour)


def say_json(value: Any) -> None:
    """Print JSON of several lines on stdout; BSON values are extended JSON, relaxed."""
    options = json_util.RELAXED_JSON_OPTIONS
    say(json_util.dumps(value, json_options=options, ensure_ascii=False, indent=2))


def escaped(text: object) -> str:
    """Return lines of text, escaped."""
    return _OBEYED.sub(_escaped, str(text))


def in_a_line(text: object) -> str:
    """Return a text escaped for a single line."""
    return _OBEYED_IN_A_LINE.sub(_escaped, str(text))


def joined(lines: str) -> str:
    """Return lines of text as the clauses of one line."""
    return "; ".join(filter(None, map(str.strip, lines.splitlines())))


def shown(value: Any) -> Any:
    """Return a value of a log line, its texts escaped for a terminal."""
    return in_a_line(value) if isinstance(value, str) else value


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
