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
        text = _text(fields)
    except (InvalidBSON, RecursionError, ValueError):
        return Shown("{}", truncated=True)
    if len(text) <= MAX_TEXT:
        return Shown(text, truncated=False)
    return Shown(_shortened(fields), truncated=True)


def _shortened(fields: dict[str, Any]) -> str:
    kept: dict[str, Any] = {}
    room = MAX_TEXT
    for name, value in fields.items():
        text = _text(value)
        short = value if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
        room -= len(name) + len(_text(short)) + 8
        if room < 0:
            break
        kept[name] = short
    return _text(kept)


def _text(value: Any) -> str:
    return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
