"""CHAR, VARCHAR and the TEXTs: a length prefix and the characters in the column's charset.

A row image drops the trailing pad of a CHAR (`Field_string::pack`), as SELECT does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types.encoder import Raw, Typed


def length_field(code: Emitter, length: str, max_length: int, *, nul: bool = False) -> str:
    """Return an expression for the int32 of `length`, plus one for a string's NUL if `nul`."""
    name, values = (
        ("STRING_LENGTHS", bson_bytes.STRING_LENGTHS) if nul else ("LENGTHS", bson_bytes.LENGTHS)
    )
    table = code.bind(name, values)
    if max_length < len(values):
        return f"{table}[{length}]"
    pack = code.bind("pack_int32", bson_bytes.pack_int32)
    return f"({table}[{length}] if {length} < {len(values)} else {pack}({length}{' + 1' * nul}))"


@dataclass(frozen=True, slots=True)
class Utf8(Typed):
    """Characters that are UTF-8 already: utf8mb4, utf8mb3 and ascii."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the characters as they are; raises ValueError for bytes that are not UTF-8."""
        raw.decode()
        return bson_bytes.string(raw)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Copy the bytes behind their length."""
        code.line(f"if not {raw.name}.isascii(): {raw.name}.decode()")
        length = length_field(code, raw.length, raw.max_length, nul=True)
        return Value(self.bson_type, (length, raw.name, b"\0"), Size(5, (raw.length,)))


@dataclass(frozen=True, slots=True)
class Text(Typed):
    """Characters of another charset, decoded by `decode`."""

    decode: Callable[[bytes], str]
    is_injective: bool

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether no two byte sequences decode alike."""
        return self.is_injective

    def value(self, raw: bytes) -> bytes:
        """Return the decoded characters; raises ValueError for bytes outside the charset."""
        return bson_bytes.string(self.decode(raw).encode())
