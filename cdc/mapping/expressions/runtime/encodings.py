"""Encodes text in the charsets whose bytes functions can request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cdc.mapping.types import charsets

Encode = Callable[[str], bytes]


@cache
def encoder(charset: str) -> Encode | None:
    """Return an encoder of text; it raises ValueError for characters that the charset lacks."""
    if charset in ("utf8mb4", "ascii"):
        return str.encode
    if charset == "utf8mb3":
        return _utf8mb3
    if charset in charsets.SINGLE_BYTE or charset in charsets.TABLES:
        return _single_byte(charset)
    return None


def _utf8mb3(text: str) -> bytes:
    if text and max(text) > "\uffff":
        raise ValueError("a character beyond utf8mb3")
    return text.encode()


def _single_byte(charset: str) -> Encode:
    found = charsets.decoder(charset)
    assert found is not None
    numbers: dict[str, int] = {}
    for byte in range(256):
        try:
            numbers.setdefault(found[0](bytes((byte,))), byte)
        except ValueError:
            continue

    def encode(text: str) -> bytes:
        try:
            return bytes(map(numbers.__getitem__, text))
        except KeyError as error:
            raise ValueError(f"a character beyond {charset}") from error

    return encode
