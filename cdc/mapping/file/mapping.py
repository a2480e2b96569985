"""The keys of a mapping file."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, StrictBool

from cdc.config.time_zone import UTC_NAME
from cdc.config.yaml12 import LongText, Marked
from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.file.allowed_names import (
    CollectionName,
    ColumnName,
    EmbedPath,
    FieldName,
    FieldPath,
    SourceName,
    Strict,
)
from cdc.mapping.file.embeds import Embed
from cdc.mapping.file.fields import FieldRule, FieldSource, SqlText, Truncate
from cdc.mapping.file.histories import MappingHistory
from cdc.mapping.file.ids import Id, IdExpression, IdPart
from cdc.mapping.file.indexes import Index
from cdc.mapping.file.policies import (
    NOW,
    OnAlter,
    OnDelete,
    OnDrop,
    OnError,
    OnTruncate,
    SoftDelete,
)
from cdc.mapping.file.problems import Problem
from cdc.mapping.file.shard_keys import ShardKey, is_of_id
from cdc.mapping.file.table_globs import source_pattern
from cdc.mapping.types.value_types import ValueType
from cdc.terminal.excerpts import excerpt

__all__ = [
    "NOW",
    "FieldSource",
    "IdExpression",
    "IdPart",
    "Index",
    "Mapping",
    "Origin",
    "SoftDelete",
    "Truncate",
    "ValueType",
]

_POLICIES = {
    "on_truncate",
    "on_drop",
    "on_alter",
    "on_error",
    "indexes",
    "shard_key",
    "history",
}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Columns = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_listed, json_schema_input_type=ColumnName | tuple[ColumnName, ...]),
]


@dataclass(frozen=True, slots=True)
class Origin:
    """The place where a mapping was read: its file, and the line of each of its keys."""

    file: Path = Path("mapping")
    lines: tuple[tuple[KeyPath, int], ...] = ()
    texts: tuple[tuple[KeyPath, LongText], ...] = ()

    @classmethod
    def of(cls, file: Path, marked: Marked) -> Origin:
        """Return the origin of what was read from a file."""
        return cls(file, tuple(marked.lines.items()), tuple(marked.texts.items()))

    def mistake(self, path: KeyPath, what: str) -> Problem:
        """Create a mistake at `path`, or at the nearest line around it."""
        return Problem(self.file, self._line(path), what)

    def mistake_in(self, path: KeyPath, sql: str, at: int | None, what: str) -> Problem:
        """Create a mistake in the expression at `path`; `at` is its place, if it is known."""
        if at is None:
            return self.mistake(path, what)
        text = dict(self.texts).get(path)
        line = text.line_of(sql[:at]) if text else self._line(path)
        return Problem(self.file, line, what, excerpt(sql, at))

    def _line(self, path: KeyPath) -> int:
        lines = dict(self.lines)
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 1)


class Mapping(Strict):
    """What documents the rows of one table become, and what happens to them when rows go.

    A DROP halts by default: the one statement whose effect on the copy cannot be taken back.
    """

    source: SourceName
    """The table, as `schema.table`; `*`, `?` and `[abc]` match shards of one table, `[*]` is the
    character itself. A list begins with it, and goes on with what is left out: `!schema.table`."""
    target: CollectionName
    """The collection that holds the documents."""
    id: Id = ()
    """What becomes `_id`: a column, a list of columns, or an expression that is asserted to be
    unique. By default the primary key. [{column: id, name: id}] makes documents {id: …}."""
    fields: dict[FieldPath, FieldRule] | None = None
    """The documents' fields, in this order; a dotted path nests. By default every column under its
    own name."""
    exclude: Columns = ()
    """Columns that no document holds; only without `fields`."""
    case: Literal["keep", "camel", "snake"] = "keep"
    """How columns are renamed that `fields` does not name."""
    nulls: Literal["keep", "omit"] = "keep"
    """Whether a NULL becomes null, or no field at all."""
    where: SqlText | None = None
    """Only rows for which this expression is true have documents."""
    stamp: FieldName | None = None
    """A field that tells when the document was written, by the daemon's clock."""
    on_delete: OnDelete = "delete"
    """What happens to the document of a row that is deleted, or that `where` no longer admits."""
    on_truncate: OnTruncate = "apply"
    """What a TRUNCATE of the table does to its documents."""
    on_drop: OnDrop = "halt"
    """What a DROP of the table does to its documents."""
    on_alter: OnAlter = "resync"
    """What follows an ALTER or RENAME that can change rows without telling."""
    on_error: OnError = "dead_letter"
    """What happens to a row that cannot be carried over."""
    indexes: tuple[Index, ...] = ()
    """Indexes of the collection, created when the daemon starts."""
    shard_key: ShardKey | None = None
    """The collection's shard key, where the target is a sharded cluster."""
    embed: dict[EmbedPath, Embed] = Field(default_factory=dict)
    """Documents of other collections of the stream, by the path at which they are embedded."""
    hidden: StrictBool = False
    """Whether the documents are for embedding only: they are in the state database then."""
    history: MappingHistory | None = None
    """The collection that keeps each change of a row, as {collection: …, keep_days: …}."""

    _origin: Origin = PrivateAttr(default=Origin())
    _mask_key: bytes = PrivateAttr(default=b"")
    _hashed_apart: dict[FieldSource, bytes] = PrivateAttr(default_factory=dict)
    _stream: str = PrivateAttr(default="")
    _time_zone: str = PrivateAttr(default=UTC_NAME)

    def bind(
        self,
        origin: Origin = Origin(),
        mask_key: bytes = b"",
        stream: str = "",
        time_zone: str = UTC_NAME,
    ) -> Mapping:
        """Set the mapping's origin, and what it has of its stream; return the mapping.

        That is the key of `mask: hash`, the stream's name, and the zone of DATETIME columns.
        """
        self._origin = origin
        self._mask_key = mask_key
        self._stream = stream
        self._time_zone = time_zone
        return self

    @property
    def origin(self) -> Origin:
        """The file and the lines that it was read from."""
        return self._origin

    @property
    def mask_key(self) -> bytes:
        """The key of `mask: hash`, empty if the configuration has none."""
        return self._mask_key

    def hash_apart(self, rules: Iterable[FieldSource], key: bytes) -> Mapping:
        """Hash with another key what these rules make; return the mapping."""
        self._hashed_apart = dict.fromkeys(rules, key)
        return self

    def mask_key_of(self, rule: FieldSource) -> bytes:
        """Return the key by which a field, or a part of the id, is hashed."""
        return self._hashed_apart.get(rule, self._mask_key)

    @property
    def stream(self) -> str:
        """The name of the stream that the mapping is of."""
        return self._stream

    @property
    def time_zone(self) -> str:
        """The name of the zone whose clock DATETIME columns hold."""
        return self._time_zone

    @property
    def id_parts(self) -> tuple[IdPart, ...]:
        """The parts that the id lists; empty for the primary key and for an expression."""
        return () if isinstance(self.id, IdExpression) else self.id

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that the id lists; empty for the primary key and for an expression."""
        return tuple(part.column for part in self.id_parts if part.column is not None)

    @property
    def id_is_document(self) -> bool:
        """Whether the id that is listed is a document, as one part is too that has a `name`."""
        return len(self.id_parts) > 1 or any(part.name for part in self.id_parts)

    @property
    def lone_id_field(self) -> str:
        """The field of an id that is a document of one; empty of any other."""
        is_lone = self.id_is_document and len(self.id_parts) == 1
        return self.id_parts[0].field if is_lone else ""

    @property
    def id_fields(self) -> dict[str, str]:
        """The fields of an id that is a document, by the columns that they hold."""
        return {part.column: part.field for part in self.id_parts if part.column is not None}

    @property
    def shard_fields(self) -> tuple[str, ...]:
        """The dotted paths of the shard key's fields outside `_id`."""
        return tuple(path for path in self.shard_key or () if not is_of_id(path))

    @property
    def masked_columns(self) -> frozenset[str]:
        """The columns that some field masks."""
        rules = (self.fields or {}).values()
        return frozenset(rule.column for rule in rules if rule.column and rule.mask)

    @property
    def has_expressions(self) -> bool:
        """Whether some SQL in it must be compiled."""
        rules = (self.fields or {}).values()
        return (
            self.where is not None
            or isinstance(self.id, IdExpression)
            or any(rule.sql is not None for rule in rules)
        )

    def follows(self, schema: str, table: str) -> bool:
        """Return whether `source` names the table."""
        return source_pattern(self.source).matches(schema, table)

    @property
    def fingerprint(self) -> str:
        """A digest of the mapping's effect on documents; comments and file names do not count.

        The policies for statements do not count: they change no document. The key of `mask: hash`
        counts if it is used: another key makes other documents. The tables do not count: their rows
        become the same documents. The zone of DATETIME columns counts unless it is UTC.
        """
        content = self.model_dump(
            mode="json", exclude_defaults=True, exclude=_POLICIES | {"source"}
        )
        if self._time_zone != UTC_NAME:
            content["source.time_zone"] = self._time_zone
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        if self._hashes():
            return hmac.digest(self._mask_key, text, "sha256").hex()
        return hashlib.sha256(text).hexdigest()

    def _hashes(self) -> bool:
        fields = (self.fields or {}).values()
        return any(rule.mask == "hash" for rule in fields) or any(
            part.mask == "hash" for part in self.id_parts
        )


def leads_back(mapping: Mapping) -> bool:
    """Return whether rows can be found by their documents' ids, which an expression rules out."""
    return not isinstance(mapping.id, IdExpression)
