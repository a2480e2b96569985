"""Masks: what a document holds instead of a value that it must not show.

A mask applies to the value's text: what SELECT prints, in UTF-8 (as with `type: string`). For
BINARY, VARBINARY and the BLOBs it applies to the bytes themselves.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.file.fields import Truncate
from cdc.mapping.layout.sources import Encoded
from cdc.mapping.types.encoder import Encoder, Typed
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.mapping.types.temporal import Report
from cdc.mapping.types.value_types import ValueType
from cdc.model.table_map import Column

REDACTED: Encoded = (bson_bytes.STRING, bson_bytes.string(b"***"))
"""The value of every field with `mask: redact`, NULL too."""

Masking = Callable[[bytes], bytes]
"""Masks a value's text."""


@dataclass(frozen=True, slots=True)
class Hash:
    """Lowercase hexadecimal HMAC-SHA-256."""

    key: bytes = field(repr=False)

    def __call__(self, text: bytes) -> bytes:
        """Hash a value's text."""
        return hmac.digest(self.key, text, "sha256").hex().encode()


@dataclass(frozen=True, slots=True)
class FirstCharacters:
    """The first `count` characters."""

    count: int

    def __call__(self, text: bytes) -> bytes:
        """Cut a value's text."""
        return text.decode()[: self.count].encode()


@dataclass(frozen=True, slots=True)
class Masked(Typed):
    """Another encoder's text, masked."""

    inner: Encoder
    mask: Masking

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether two values have two texts: nobody has found two with one SHA-256."""
        return self.inner.injective and isinstance(self.mask, Hash)

    def value(self, raw: bytes) -> bytes:
        """Return the text, masked."""
        return bson_bytes.string(self.mask(text_of(self.inner.convert(raw))))


def masked(column: Column, mask: Masking, report: Report) -> Masked:
    """Return the encoder of a masked column; raises Unsupported for one that has no text."""
    inner = _text_encoder(column, report)
    if inner.usual_type != bson_bytes.STRING and not isinstance(mask, Hash):
        raise Unsupported(f"a {column.sql_type} of bytes has no characters to truncate")
    return Masked(inner.wire, inner, mask)


def masking(wanted: str | Truncate, key: bytes) -> Masking:
    """Return the function of a mapping's `mask:`; not for `redact`, which needs no value."""
    return FirstCharacters(wanted.truncate) if isinstance(wanted, Truncate) else Hash(key)


def text_of(value: Encoded) -> bytes:
    """Return the characters of a BSON string, or the bytes of a binary."""
    bson_type, content = value
    return content[4:-1] if bson_type == bson_bytes.STRING else content[5:]


def _text_encoder(column: Column, report: Report) -> Encoder:
    plain = encoder(column, None, report)
    if plain.usual_type == bson_bytes.BINARY:
        return plain
    try:
        return encoder(column, ValueType.STRING, report)
    except Unsupported as error:
        raise Unsupported(
            f"a {column.sql_type} has no text to hash or truncate; `mask: redact` hides it"
        ) from error
