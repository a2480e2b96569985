"""The names that a mapping may write: of fields, columns, tables and collections."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from cdc.mapping.file.collection_names import collection_name
from cdc.mapping.file.table_globs import listed, source_pattern


class Strict(BaseModel):
    """What every part of a mapping is: known keys only, frozen.

    The text below an attribute tells people what to write: it goes into the JSON Schema.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def one_of(*names: str) -> ConfigDict:
    """Declare to the JSON Schema that exactly one of these keys is written."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in names]})


def field_name(name: str) -> str:
    """Refuse a name that MongoDB does not accept for a field."""
    if not name or "\0" in name or name.startswith("$"):
        raise ValueError("must be a field name: not empty, without NUL, not beginning with `$`")
    return name


def nested(one: str, other: str) -> str | None:
    """Return the path that lies below the other; None if neither does."""
    if one.startswith(other + "."):
        return one
    return other if other.startswith(one + ".") else None


MAX_PATH = 40
"""The most names in a path, so that no field's content ends below the 180th level."""


def _any_path(path: str) -> str:
    names = path.split(".")
    for name in names:
        field_name(name)
    if len(names) > MAX_PATH:
        raise ValueError(f"must have at most {MAX_PATH} names: MongoDB stores 180 levels")
    return path


def _path(path: str) -> str:
    if _any_path(path).split(".")[0] == "_id":
        raise ValueError("`_id` is written as `id:` beside `fields`")
    return path


def _outside_id(path: str) -> str:
    if _any_path(path).split(".")[0] == "_id":
        raise ValueError("nothing is embedded in `_id`: give it another name")
    return path


def _top_level(name: str) -> str:
    if "." in name:
        raise ValueError("must be a field of the document itself: a name without a dot")
    return _path(name)


def _source(name: str) -> str:
    pattern = source_pattern(name)
    if not all(each.schema and each.table for each in (pattern, *pattern.excluded)):
        raise ValueError("must be `schema.table`")
    for each in pattern.excluded:
        if pattern.never_shares("schema", each) or pattern.never_shares("table", each):
            raise ValueError(f"`!{each.schema}.{each.table}` leaves out none of its tables")
    if not pattern.varying and not pattern.matches(*pattern.named):
        raise ValueError("leaves out the only table that it names")
    return name


ColumnName = Annotated[StrictStr, Field(min_length=1)]
CollectionName = Annotated[StrictStr, AfterValidator(collection_name)]
SourceName = Annotated[
    StrictStr,
    AfterValidator(_source),
    BeforeValidator(listed, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]),
]
FieldPath = Annotated[StrictStr, AfterValidator(_path)]
"""A dotted path of a field that is not in `_id`."""
EmbedPath = Annotated[StrictStr, AfterValidator(_outside_id)]
"""A dotted path at which documents are embedded."""
FieldName = Annotated[StrictStr, AfterValidator(_top_level)]
"""The name of a field of the document itself, other than `_id`."""
IndexedPath = Annotated[StrictStr, AfterValidator(_any_path)]
"""A dotted path of any field."""
