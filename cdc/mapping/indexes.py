"""The indexes that a mapping asks for on its collection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictStr

from cdc.mapping.names import IndexedPath, Strict


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
    name: Annotated[StrictStr, Field(min_length=1)] | None = None
    unique: StrictBool = False
    sparse: StrictBool = False
    partial_filter_expression: dict[str, Any] | None = None
    collation: dict[str, Any] | None = None
