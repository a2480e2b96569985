"""Converts JSON text to BSON: MariaDB's JSON (`type: json`), and MySQL's as SELECT prints it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bson
import orjson

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder, Unrepresentable
from cdc.mapping.types.json import MAX_DEPTH, TOO_DEEP
from cdc.native import native

Encoded = tuple[bytes, bytes]

INFINITIES = (b"\xf0\x7f", b"\xf0\xff")
"""The last bytes of infinity and negative infinity; found elsewhere they only cost time."""


def encode(text: bytes) -> Encoded:
    """Return BSON type byte and value bytes of a UTF-8 JSON text; raises ValueError.

    The native module does it in one pass; orjson and bson's C code, without it, in a fifth of the
    time that Python takes. A text that these refuse is read again, step by step, for the reason or
    for what they cannot do.
    """
    if native is not None and (found := native.encode_json_text(text)) is not None:
        return found
    return _by_libraries(text)


def _by_libraries(text: bytes) -> Encoded:
    try:
        document = bson.encode({"": orjson.loads(text)})
    except (ValueError, OverflowError, RecursionError, bson.errors.InvalidDocument):
        return _step_by_step(text)
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        return _step_by_step(text)
    return document[4:5], document[6:-1]


def _step_by_step(text: bytes) -> Encoded:
    try:
        value = DECODER.decode(text.decode())
        if _depth(value) > MAX_DEPTH:
            raise Unrepresentable(TOO_DEEP)
        return encode_value(value)
    except RecursionError as error:
        raise Unrepresentable(TOO_DEEP) from error


def _depth(value: Any) -> int:
    """Return the depth of nested containers."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def encode_value(value: Any) -> Encoded:
    """Return BSON type byte and value bytes of a JSON value as Python reads it."""
    return _by_bson(value) or _value(value)


def _by_bson(value: Any) -> Encoded | None:
    """Encode with bson's fast C code; None if its result might differ from `_value`."""
    try:
        document = bson.encode({"": value})
    except (OverflowError, ValueError, bson.errors.InvalidDocument):
        return None
    if INFINITIES[0] in document or INFINITIES[1] in document:
        return None
    return document[4:5], document[6:-1]


def _refused(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_refused)


def _value(value: Any) -> Encoded:
    return ENCODERS[type(value)](value)


def _document(value: dict[str, Any]) -> Encoded:
    return bson_bytes.DOCUMENT, bson_bytes.document(
        b"".join(_element(name.encode(), item) for name, item in value.items())
    )


def _array(value: list[Any]) -> Encoded:
    return bson_bytes.ARRAY, bson_bytes.document(
        b"".join(_element(b"%d" % index, item) for index, item in enumerate(value))
    )


def _element(name: bytes, value: Any) -> bytes:
    if b"\0" in name:
        raise Unrepresentable("a JSON key holds the character NUL")
    bson_type, content = _value(value)
    return bson_type + name + b"\0" + content


def _double(value: float) -> Encoded:
    if math.isinf(value):
        raise Unrepresentable("a JSON number is too large for a double")
    return bson_bytes.DOUBLE, bson_bytes.pack_double(value)


def _integer(value: int) -> Encoded:
    """Encode as MySQL reads it: an integer of 64 bits, signed or not; a double beyond them."""
    if bson_bytes.MIN_INTEGER <= value <= bson_bytes.MAX_INTEGER:
        return bson_bytes.integer(value)
    try:
        return _double(float(value))
    except OverflowError:
        return _double(math.inf)


ENCODERS: dict[type, Callable[[Any], Encoded]] = {
    dict: _document,
    list: _array,
    str: lambda value: (bson_bytes.STRING, bson_bytes.string(value.encode())),
    bool: lambda value: (bson_bytes.BOOLEAN, bytes((value,))),
    int: _integer,
    float: _double,
    type(None): lambda _: (bson_bytes.NULL, b""),
}


@dataclass(frozen=True, slots=True)
class JsonText(Encoder):
    """A text column that holds JSON in UTF-8."""

    def convert(self, raw: bytes) -> Encoded:
        """Convert the text as `encode` does."""
        return encode(raw)


@dataclass(frozen=True, slots=True)
class DecodedJsonText(Encoder):
    """A text column that holds JSON in another charset, decoded by `decode`."""

    decode: Callable[[bytes], str]

    def convert(self, raw: bytes) -> Encoded:
        """Decode the text, then convert it as `encode` does."""
        return encode(self.decode(raw).encode())
