"""The source of the value of a document's field."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cdc.mapping.file.allowed_names import ColumnName, Strict, one_of
from cdc.mapping.types.value_types import ValueType


def _constant(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a constant: text, a number, true or false")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("must be an integer of 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a number that a double holds")
    return value


Scalar = Annotated[StrictBool | StrictInt | StrictFloat | StrictStr, BeforeValidator(_constant)]


NO_EXPRESSION: Final = "expression"
"""The type of pydantic's error; its context has the text and the place of the mistake."""


def _expression(text: str) -> str:
    """Refuse what is outside the subset of SQL that is compiled."""
    # Imported here: few mappings hold expressions, and their parser takes long to import.
    from cdc.mapping.expressions.errors import ExpressionError
    from cdc.mapping.expressions.parser import parse

    try:
        parse(text)
    except ExpressionError as error:
        place = {"what": str(error), "sql": text, "at": error.at}
        raise PydanticCustomError(NO_EXPRESSION, "{what}", place) from error
    return text


SqlText = Annotated[StrictStr, Field(min_length=1), AfterValidator(_expression)]
RowOrigin = Literal["schema", "table", "stream"]
"""Which name of the place that a row is from: of its table, or of the stream that brings it."""


class Truncate(Strict):
    """A mask that keeps the first characters only."""

    truncate: Annotated[StrictInt, Field(ge=1)]
    """How many characters stay."""


def _mask(value: Any) -> str:
    return "@length" if isinstance(value, dict | Truncate) else "@word"


Mask = Annotated[
    Annotated[Literal["hash", "redact"], Tag("@word")] | Annotated[Truncate, Tag("@length")],
    Discriminator(_mask),
]


class FieldSource(Strict):
    """A column, an expression, a constant or a name; and what is made of it."""

    model_config = one_of("column", "sql", "value", "source")

    column: ColumnName | None = None
    """The column whose value it is."""
    sql: SqlText | None = None
    """An expression over the row's columns, in SQL with MySQL's meaning."""
    value: Scalar | None = None
    """A constant."""
    source: RowOrigin | None = None
    """The name of the row's schema or table, or of the stream."""
    type: ValueType | None = None
    """What the value becomes, where the default is not wanted."""
    default: Scalar | None = None
    """What stands for NULL."""
    mask: Mask | None = None
    """How the value is made unreadable: a keyed hash, a fixed text, or its first characters."""
    optional: StrictBool = False
    """Whether the field may be left out once the table no longer has the column."""

    @model_validator(mode="after")
    def _one_origin(self) -> FieldSource:
        given = {"column", "sql", "value", "source"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError("must hold one of `column`, `sql`, `value` and `source`")
        if given & {"value", "source"} and len(self.model_fields_set) > 1:
            raise ValueError(f"`{given.pop()}` stands alone: nothing else can be made of it")
        if self.sql is not None and self.type is not None:
            raise ValueError("`type` means nothing beside `sql`: write CAST(… AS …) into it")
        if self.sql is not None and self.default is not None:
            raise ValueError("`default` means nothing beside `sql`: write COALESCE(…) into it")
        if self.mask is not None and self.type is not None:
            raise ValueError("`type` means nothing beside `mask`, which makes text of the value")
        if self.mask == "redact" and self.default is not None:
            raise ValueError("`default` means nothing beside `mask: redact`, which hides NULL too")
        return self


def _spelled_out(value: Any) -> Any:
    if not isinstance(value, str | dict | FieldSource):
        raise ValueError("must be a column, or {column: …}, {sql: …}, {value: …} or {source: …}")
    return {"column": value} if isinstance(value, str) else value


FieldRule = Annotated[
    FieldSource, BeforeValidator(_spelled_out, json_schema_input_type=ColumnName | FieldSource)
]
