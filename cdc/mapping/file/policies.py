"""A mapping's policies for rows, or whole tables, that go or change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from cdc.mapping.file.allowed_names import FieldPath, Strict
from cdc.mapping.file.fields import Scalar

NOW = "$now"
"""In `on_delete`, the source's commit time."""


def _constant(value: Scalar) -> Scalar:
    if isinstance(value, str) and value.startswith("$") and value != NOW:
        raise ValueError("must be a constant, or `$now`, the time of the commit")
    return value


class SoftDelete(Strict):
    """Keep the document of a row that is gone, with these fields set."""

    set: Annotated[
        dict[FieldPath, Annotated[Scalar, AfterValidator(_constant)]], Field(min_length=1)
    ]
    """The fields that tell it: constants, or `$now`, the time of the commit."""


OnDelete = Annotated[
    Annotated[Literal["delete"], Tag("@word")] | Annotated[SoftDelete, Tag("@set")],
    Discriminator(lambda value: "@set" if isinstance(value, dict | SoftDelete) else "@word"),
]
OnTruncate = Literal["apply", "ignore", "halt"]
OnDrop = Literal["apply", "ignore", "halt"]
OnAlter = Literal["resync", "ignore", "halt"]
OnError = Literal["dead_letter", "halt"]
