"""The parts of a document's `_id`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from cdc.mapping.file.allowed_names import ColumnName, Strict, field_name, one_of
from cdc.mapping.file.fields import FieldSource, RowOrigin, SqlText
from cdc.mapping.types.value_types import ValueType


def _constant(value: Any) -> Any:
    """Refuse what two streams could write differently and MongoDB would take for equal."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("must be text or an integer")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("must be an integer of 64 bits")
    return value


def _plain(name: str) -> str:
    if "." in field_name(name):
        raise ValueError("must be a name without a dot")
    return name


IdConstant = Annotated[StrictStr | StrictInt, BeforeValidator(_constant)]
IdFieldName = Annotated[StrictStr, Field(min_length=1), AfterValidator(_plain)]

OF_A_CONSTANT: Final = "value"
"""The name of a constant's field, if the mapping gives it none."""


class IdPart(Strict):
    """A column, a name or a constant; and the name of its field where `_id` is a document."""

    model_config = one_of("column", "source", "value")

    column: ColumnName | None = None
    """The column whose value it is."""
    source: RowOrigin | None = None
    """The name of the row's schema or table, which keeps shards apart, or of the stream, which
    keeps the documents of streams apart."""
    value: IdConstant | None = None
    """A constant, text or an integer, which keeps the documents of mappings or streams apart."""
    name: IdFieldName | None = None
    """The name of its field: by default the column's, of a constant `value`. With it `_id` is a
    document even where it holds one column alone, as in {id: 1}."""
    type: ValueType | None = None
    """What the value becomes, where the default is not wanted."""
    mask: Literal["hash"] | None = None
    """Puts a keyed hash in the value's place."""

    @model_validator(mode="after")
    def _one_origin(self) -> IdPart:
        given = {"column", "source", "value"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError("must hold one of `column`, `source` and `value`")
        if self.source is not None and self.name is not None:
            raise ValueError(
                "`name` is for a column or a constant: a name of the place has its own"
            )
        if self.column is None and len(self.model_fields_set - {"name"}) > 1:
            raise ValueError(f"`{given.pop()}` stands alone: nothing else can be made of it")
        if self.mask is not None and self.type is not None:
            raise ValueError("`type` means nothing beside `mask`, which makes text of the value")
        return self

    @property
    def rule(self) -> FieldSource:
        """What its column becomes, as a field's rule says it."""
        return FieldSource(column=self.column, type=self.type, mask=self.mask)

    @property
    def field(self) -> str:
        """The name of its field where `_id` is a document."""
        return self.name or self.column or self.source or OF_A_CONSTANT


class IdExpression(Strict):
    """An expression of which the operator asserts that no two rows share a value."""

    sql: SqlText
    """An expression over the row's columns, in SQL with MySQL's meaning."""
    unique: Literal["asserted"]
    """The operator's word that no two rows share a value."""

    @model_validator(mode="before")
    @classmethod
    def _asserted(cls, value: Any) -> Any:
        if isinstance(value, dict) and "sql" in value and "unique" not in value:
            raise ValueError(
                "an expression needs `unique: asserted` beside it, your word that no two rows share"
                " a value: cdc cannot know"
            )
        return value


def _spelled_out(value: Any) -> Any:
    if not isinstance(value, str | dict | IdPart):
        raise ValueError("must be a column, or {column: …}, {source: …} or {value: …}")
    if isinstance(value, dict) and "sql" in value:
        raise ValueError("an expression stands alone: write id: {sql: …, unique: asserted}")
    return {"column": value} if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    if isinstance(value, str | dict | IdPart):
        return [value]
    if isinstance(value, list | tuple) and value:
        return value
    raise ValueError("must be a column, a list of columns, or {sql: …, unique: asserted}")


def _kind(value: Any) -> str:
    if isinstance(value, dict) and {"sql", "unique"} & value.keys():
        return "@expression"
    return "@expression" if isinstance(value, IdExpression) else "@parts"


OnePart = Annotated[
    IdPart, BeforeValidator(_spelled_out, json_schema_input_type=ColumnName | IdPart)
]
IdParts = Annotated[
    tuple[OnePart, ...],
    BeforeValidator(
        _listed, json_schema_input_type=ColumnName | IdPart | tuple[ColumnName | IdPart, ...]
    ),
]
Id = Annotated[
    Annotated[IdExpression, Tag("@expression")] | Annotated[IdParts, Tag("@parts")],
    Discriminator(_kind),
]
"""No parts mean the primary key."""
