"""What a mapping file may say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from cdc.mapping.mistakes import Mistake
from cdc.yaml_file import Path as KeyPath

NOT_YET = frozenset(
    {
        ("case",),
        ("nulls",),
        ("where",),
        ("on_truncate",),
        ("on_drop",),
        ("on_alter",),
        ("on_error",),
        ("indexes",),
        ("id", "sql"),
        ("id", "unique"),
        ("fields", "sql"),
        ("fields", "mask"),
        ("fields", "optional"),
        ("fields", "value"),
        ("fields", "source"),
    }
)
"""Keys of the language that this version does not act on; in `fields`, those of one field."""


class ValueType(StrEnum):
    """What `type:` may ask for."""

    BOOL = "bool"
    STRING = "string"
    INT64 = "int64"
    DOUBLE = "double"
    DECIMAL = "decimal"
    JSON = "json"
    UUID = "uuid"
    INET4 = "inet4"
    INET6 = "inet6"


def _field_name(name: str) -> str:
    if not name or "\0" in name or name.startswith("$"):
        raise ValueError("must be a field name: not empty, without NUL, not beginning with `$`")
    return name


def _path(path: str) -> str:
    for name in path.split("."):
        _field_name(name)
    if path.split(".")[0] == "_id":
        raise ValueError("`_id` is written as `id:` beside `fields`")
    return path


def _collection(name: str) -> str:
    if not name or "$" in name or "\0" in name or name.startswith(("system.", ".")):
        raise ValueError("must be a collection name: no `$`, not beginning with `system.` or `.`")
    return name


def _source(name: str) -> str:
    schema, dot, table = name.partition(".")
    if not (schema and dot and table):
        raise ValueError("must be `schema.table`")
    if set(name) & set("*?["):
        raise ValueError("globs over source tables are not supported yet; name one table")
    return name


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _spelled_out(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldSource(_Strict):
    """Where a field's value comes from."""

    column: Annotated[StrictStr, Field(min_length=1)]
    type: ValueType | None = None
    default: StrictBool | StrictInt | StrictFloat | StrictStr | None = None


ColumnNames = Annotated[
    tuple[Annotated[StrictStr, Field(min_length=1)], ...], BeforeValidator(_listed)
]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a mapping was read: its file, and the line of each of its keys."""

    file: Path = Path("mapping")
    lines: tuple[tuple[KeyPath, int], ...] = ()

    def mistake(self, path: KeyPath, what: str) -> Mistake:
        """Place a mistake at `path`, or at the nearest thing around it."""
        lines = dict(self.lines)
        while path and path not in lines:
            path = path[:-1]
        return Mistake(self.file, lines.get(path, 1), what)


class Mapping(_Strict):
    """What documents the rows of one table become."""

    source: Annotated[StrictStr, AfterValidator(_source)]
    target: Annotated[StrictStr, AfterValidator(_collection)]
    id: ColumnNames = ()
    fields: (
        dict[
            Annotated[StrictStr, AfterValidator(_path)],
            Annotated[FieldSource, BeforeValidator(_spelled_out)],
        ]
        | None
    ) = None
    exclude: ColumnNames = ()
    on_delete: Literal["delete"] = "delete"

    _origin: Origin = PrivateAttr(default=Origin())

    @property
    def origin(self) -> Origin:
        """Where it was read."""
        return self._origin

    @property
    def fingerprint(self) -> str:
        """A digest of what it says, stable over comments, layout and file names."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
