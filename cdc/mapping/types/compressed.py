"""MariaDB's COMPRESSED columns, whose values are compressed one by one.

Format: `compress_zlib` and `Field_longstr::compress` in MariaDB's `sql/field_comp.cc` and
`sql/field.cc`: empty for the empty value; else a header byte: 0 before bytes that are stored as
they are, or 0x80 plus the size of the big-endian length that follows, plus 8 if the zlib stream has
no wrapper of its own.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from cdc.mapping.types.encoder import Encoder

ZLIB = 0x80
RAW = 0x08
LENGTH_BYTES = 0x07


def decompress(raw: bytes) -> bytes:
    """Return the plain bytes; raises ValueError for damaged ones."""
    if not raw or raw[0] == 0:
        return raw[1:]
    header = raw[0]
    if header & 0xF0 != ZLIB:
        raise ValueError("an unknown compression")
    start = 1 + (header & LENGTH_BYTES)
    length = int.from_bytes(raw[1:start], "big")
    window = -zlib.MAX_WBITS if header & RAW else zlib.MAX_WBITS
    stream = zlib.decompressobj(window)
    try:
        data = stream.decompress(raw[start:], length + 1)
    except zlib.error as error:
        raise ValueError("not a zlib stream") from error
    if len(data) != length or not stream.eof:
        raise ValueError("a compressed value of the wrong length")
    return data


@dataclass(frozen=True, slots=True)
class Compressed(Encoder):
    """A compressed column whose plain bytes `inner` encodes."""

    inner: Encoder

    @property
    def usual_type(self) -> bytes:
        """The usual type of the plain column."""
        return self.inner.usual_type

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Decompress the bytes and convert them with `inner`."""
        return self.inner.convert(decompress(raw))
