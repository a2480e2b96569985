"""VECTOR: little-endian singles back to back (`include/vector-common` in MySQL)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Typed

SINGLE_BYTES = 4


@lru_cache(maxsize=8)
def _template(count: int) -> tuple[struct.Struct, struct.Struct, tuple[bytes, ...]]:
    """Return the struct to read `count` numbers, that to write the array, and element headers."""
    headers = tuple(bson_bytes.DOUBLE + b"%d\0" % index for index in range(count))
    elements = "".join(f"{len(header)}sd" for header in headers)
    return struct.Struct(f"<{count}f"), struct.Struct(f"<{elements}"), headers


@dataclass(frozen=True, slots=True)
class Vector(Typed):
    """A VECTOR as an array of doubles, each exactly the single that is stored."""

    bson_type: ClassVar[bytes] = bson_bytes.ARRAY

    def value(self, raw: bytes) -> bytes:
        """Return the array of doubles."""
        numbers, elements, headers = _template(len(raw) // SINGLE_BYTES)
        pairs = zip(headers, numbers.unpack(raw), strict=True)
        return bson_bytes.document(elements.pack(*(item for pair in pairs for item in pair)))
