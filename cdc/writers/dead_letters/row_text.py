"""The row of a dead letter, as text that fits into one and can always be stored."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON

MAX_TEXT: Final = 64_000
"""Characters of a row that are kept: letters must not make a batch too large for the target."""

MAX_VALUE: Final = 1_000
"""Characters that are kept of each value of a larger row."""

_OPTIONS: Final = CodecOptions[dict[str, Any]](
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


class Shown(NamedTuple):
    """A row as Extended JSON; `truncated` says that it is not all of it."""

    text: str
    truncated: bool


def shown(document: bytes) -> Shown:
    """Give a mapped row as text.

    Text, since what cannot be stored as a document may not be storable within one either: nested
    too deep, say.
    """
    try:
        fields = bson.decode(document, _OPTIONS)
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
