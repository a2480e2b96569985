"""What a document's `_id` is made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

from cdc.mapping.fields import ShardName, SqlText
from cdc.mapping.names import ColumnName, Strict
from cdc.mapping.value_types import ValueType


class IdPart(Strict):
    """A column, or a name of the table; in a compound id also the name of the field."""

    column: ColumnName | None = None
    source: ShardName | None = None
    type: ValueType | None = None
    mask: Literal["hash"] | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> IdPart:
        given = {"column", "source"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError("must hold one of `column` and `source`")
        if self.source and len(self.model_fields_set) > 1:
            raise ValueError("`source` stands alone: nothing else can be made of it")
        if self.mask is not None and self.type is not None:
            raise ValueError("`type` means nothing beside `mask`, which makes text of the value")
        return self

    @property
    def name(self) -> str:
        """The name of its field in a compound id."""
        return self.column or str(self.source)


class IdExpression(Strict):
    """An expression of which the operator asserts that no two rows share a value."""

    sql: SqlText
    unique: Literal["asserted"]


def _spelled_out(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    if isinstance(value, str | dict | IdPart):
        return [value]
    if isinstance(value, list | tuple):
        return value
    raise ValueError("must be a column, a list of columns, or {sql: …, unique: asserted}")


def _kind(value: Any) -> str:
    if isinstance(value, dict) and {"sql", "unique"} & value.keys():
        return "@expression"
    return "@expression" if isinstance(value, IdExpression) else "@parts"


IdParts = Annotated[
    tuple[Annotated[IdPart, BeforeValidator(_spelled_out)], ...], BeforeValidator(_listed)
]
Id = Annotated[
    Annotated[IdExpression, Tag("@expression")] | Annotated[IdParts, Tag("@parts")],
    Discriminator(_kind),
]
"""No parts mean the primary key."""
