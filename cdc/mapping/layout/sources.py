"""The sources of a field's value in a compiled mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder

Encoded = tuple[bytes, bytes]
"""A BSON value: its type byte and its bytes."""

NULL: Encoded = (bson_bytes.NULL, b"")
ABSENT: Encoded = (b"", b"")
"""Marks a value whose field is left out."""


@dataclass(frozen=True, slots=True)
class FromColumn:
    """A column, its encoder, and its value for NULL."""

    column: int
    encoder: Encoder
    null: Encoded = NULL


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every document."""

    value: Encoded


@dataclass(frozen=True, slots=True)
class CommitTime:
    """The commit time of the row's transaction, as a date."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that an expression needs, and the decoder of its bytes."""

    column: int
    decode: Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an expression over some columns' Python values, None for NULL.

    `name` is its name in errors, `text` the expression; `null` is the value for NULL. A
    `bson_type` of b"" means that the value decides.
    """

    name: str
    text: str
    inputs: tuple[Input, ...]
    compute: Callable[[tuple[object, ...]], Encoded | None]
    null: Encoded = NULL
    bson_type: bytes = b""

    def value(self, values: tuple[object, ...]) -> Encoded:
        """Compute the value of one row."""
        found = self.compute(values)
        return self.null if found is None else found


Source = FromColumn | Constant | CommitTime | Computed


@dataclass(frozen=True, slots=True)
class Filter:
    """A mapping's `where`: it decides which rows have a document."""

    text: str
    inputs: tuple[Input, ...]
    is_true: Callable[[tuple[object, ...]], bool]
