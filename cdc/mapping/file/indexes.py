"""The indexes that a mapping requests for its collection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictStr

from cdc.mapping.file.allowed_names import IndexedPath, Strict


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be 1, -1, or a kind such as text")
    return value


Direction = Annotated[Literal[1, -1, "text", "2dsphere", "2d", "hashed"], BeforeValidator(_no_bool)]


class Index(Strict):
    """One index, in MongoDB's words.

    There is none that expires documents: the copy would no longer equal the table.
    """

    keys: Annotated[dict[IndexedPath, Direction], Field(min_length=1)]
    """The fields that it holds, in order: 1 ascending, -1 descending, or a kind of index."""
    name: Annotated[StrictStr, Field(min_length=1)] | None = None
    """Its name; by default made of the keys, as drivers do it."""
    unique: StrictBool = False
    """Whether MongoDB refuses two documents with the same keys."""
    sparse: StrictBool = False
    """Whether documents without any of the keys are left out."""
    partial_filter_expression: dict[str, Any] | None = None
    """Only documents that this filter matches are indexed."""
    collation: dict[str, Any] | None = None
    """How text is compared, as in {locale: en, strength: 2}."""
