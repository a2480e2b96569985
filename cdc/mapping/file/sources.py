"""What a field's value can come from, once a mapping is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder

Encoded = tuple[bytes, bytes]
"""A BSON value: its type byte and its bytes."""

NULL: Encoded = (bson_bytes.NULL, b"")
ABSENT: Encoded = (b"", b"")
"""What stands for a value whose field is left out."""


@dataclass(frozen=True, slots=True)
class FromColumn:
    """A column, its encoder, and what stands for NULL."""

    column: int
    encoder: Encoder
    null: Encoded = NULL


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every document."""

    value: Encoded


@dataclass(frozen=True, slots=True)
class CommitTime:
    """When the row's transaction was committed, as a date."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that an expression needs, and what makes a Python value of its bytes."""

    column: int
    decode: Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an expression over some columns' Python values, None for NULL.

    `name` is what errors call it, `text` what it computes; `null` stands for a result of NULL.
    """

    name: str
    text: str
    inputs: tuple[Input, ...]
    compute: Callable[[tuple[object, ...]], Encoded | None]
    null: Encoded = NULL

    def value(self, values: tuple[object, ...]) -> Encoded:
        """Compute the value of one row."""
        found = self.compute(values)
        return self.null if found is None else found


Source = FromColumn | Constant | CommitTime | Computed


@dataclass(frozen=True, slots=True)
class Filter:
    """A mapping's `where`: which rows have a document."""

    text: str
    inputs: tuple[Input, ...]
    is_true: Callable[[tuple[object, ...]], bool]
