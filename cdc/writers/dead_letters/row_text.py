"""Renders the row of a dead letter as text that fits into one and can always be stored."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import bson
from bson import json_util
from bson.errors import InvalidBSON

from cdc.model.any_time import ANY_TIME_AWARE

MAX_TEXT: Final = 64_000
"""The most characters of a row: letters must not make a batch too large for the target."""

MAX_VALUE: Final = 1_000
"""The most characters of each value in a larger row."""

MAX_BYTES: Final = 8 * MAX_TEXT
"""A larger document has a longer text, whatever it holds: a character takes 4 bytes at most."""


class Shown(NamedTuple):
    """A row as Extended JSON; `truncated`: it is not complete."""

    text: str
    truncated: bool


def shown(document: bytes) -> Shown:
    """Return a mapped row as text.

    Text, since a row that cannot be stored as a document may not fit within one either, for example
    if it is nested too deep.
    """
    try:
        fields = bson.decode(document, ANY_TIME_AWARE)
        if len(document) <= MAX_BYTES and len(text := _text(fields)) <= MAX_TEXT:
            return Shown(text, truncated=False)
        return Shown(_shortened(fields), truncated=True)
    except (InvalidBSON, RecursionError, ValueError):
        return Shown("{}", truncated=True)


def _shortened(fields: dict[str, Any]) -> str:
    kept: dict[str, Any] = {}
    room = MAX_TEXT
    for name, value in fields.items():
        text = _text(_beginning(value))
        short = value if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
        room -= len(name) + len(_text(short)) + 8
        if room < 0:
            break
        kept[name] = short
    return _text(kept)


def _beginning(value: Any) -> Any:
    """Return as much of a value as the beginning of its text shows: it may have megabytes."""
    if isinstance(value, str):
        return value[: MAX_VALUE + 1]
    return value[: 3 * MAX_VALUE] if isinstance(value, bytes) else value


def _text(value: Any) -> str:
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
