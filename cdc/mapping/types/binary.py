"""BINARY, VARBINARY and the BLOBs: a length prefix and the bytes.

A row image drops the trailing zeros of a BINARY(n) (`Field_string::pack`); they are restored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types.encoder import Raw, Typed
from cdc.mapping.types.text import length_field

GENERIC = b"\0"
"""The binary subtype of bytes without a meaning."""


@dataclass(frozen=True, slots=True)
class Binary(Typed):
    """A VARBINARY or BLOB."""

    bson_type: ClassVar[bytes] = bson_bytes.BINARY
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return length, subtype and bytes."""
        return bson_bytes.binary(raw)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Copy the bytes behind their length."""
        length = length_field(code, raw.length, raw.max_length)
        return Value(self.bson_type, (length, GENERIC, raw.name), Size(5, (raw.length,)))


@dataclass(frozen=True, slots=True)
class FixedBinary(Typed):
    """A BINARY(`length`), at its full length."""

    length: int

    bson_type: ClassVar[bytes] = bson_bytes.BINARY
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return length, subtype and bytes, with the missing zeros."""
        return bson_bytes.binary(raw.ljust(self.length, b"\0"))

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Copy the bytes and append the missing zeros."""
        zeros = code.bind(f"ZEROS_{self.length}", self._zeros())
        header = bson_bytes.pack_int32(self.length) + GENERIC
        parts = (header, raw.name, f"{zeros}[{raw.length}]")
        return Value(self.bson_type, parts, Size(5 + self.length))

    def _zeros(self) -> tuple[bytes, ...]:
        return tuple(bytes(self.length - present) for present in range(self.length + 1))
