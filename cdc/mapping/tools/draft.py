"""Drafts a first mapping for a table: every column, with the types that most people want."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.config.time_zone import UTC_NAME
from cdc.mapping.file.table_globs import literal
from cdc.mapping.types.encoder import Encoder
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.mapping.types.value_types import ValueType
from cdc.mapping.types.zones import in_zone
from cdc.model.table_definition import ColumnDefinition, TableDefinition
from cdc.model.table_map import Column, FieldType

WIDTH: Final = 100

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.$-]*")
_WORDS_OF_YAML: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_DECLARED: Final = {
    "uuid": ValueType.UUID,
    "inet4": ValueType.INET4,
    "inet6": ValueType.INET6,
}


@dataclass(frozen=True, slots=True)
class _Line:
    """One entry of `fields` or a comment in its place."""

    text: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.notes:
            return self.text
        note = f"# {'; '.join(self.notes)}"
        line = f"{self.text}  {note}"
        return line if len(line) <= WIDTH else f"  {note}\n{self.text}"


def draft(
    definition: TableDefinition,
    *,
    target: str,
    schema_file: str,
    embeds: Sequence[tuple[str, str]] = (),
    time_zone: str = UTC_NAME,
) -> str:
    """Return the text of a mapping file; `schema_file` is the path of its JSON schema.

    `embeds`, paths and what could be embedded there, become comments; `time_zone` is that of
    DATETIME columns. Only compiling it shows whether the table can be mapped.
    """
    table = definition.table_map
    lines = [
        f"# yaml-language-server: $schema={schema_file}",
        *_told(table.name, definition.comment),
        "# Columns that the table gains later are copied once they are listed below; without",
        "# `fields` every column is copied, under its own name.",
        f"source: {scalar(literal(table.schema, table.table))}",
        f"target: {scalar(target)}",
        *_id(definition, time_zone),
        *_compound_references(definition),
        *_fields(definition),
        *_embeds(embeds),
    ]
    return "\n".join(map(str, lines)) + "\n"


def _embeds(embeds: Sequence[tuple[str, str]]) -> Iterator[str]:
    if embeds:
        yield "# What foreign keys lead to can be embedded; of two tables one embeds the other."
        yield "# embed:"
    for path, embed in embeds:
        yield f"#   {scalar(path)}: {embed}"


def collection_name(table: str) -> str:
    """Return a valid collection name for a table's documents."""
    name = re.sub(r"[$\0]", "_", table)
    return f"_{name}" if name.startswith(("system.", ".")) else name


def _told(name: str, comment: str) -> Iterator[str]:
    named, said = _in_a_line(name), _in_a_line(comment)
    yield f"# {named}: {said}" if said else f"# {named}"


def _id(definition: TableDefinition, time_zone: str) -> Iterator[str]:
    table = definition.table_map
    if not table.primary_key:
        yield "# id: the table has neither a primary key nor a unique key without NULLs"
        return
    parts = [
        _id_part(table.columns[index], definition.columns[index], time_zone)
        for index in table.primary_key
    ]
    listed = ", ".join(parts)
    yield f"id: {listed}" if len(parts) == 1 else f"id: [{listed}]"


def _id_part(column: Column, declared: ColumnDefinition, time_zone: str) -> str:
    kind = _DECLARED.get(declared.declared)
    natural, text = (_injective(column, each, time_zone) for each in (None, ValueType.STRING))
    if kind is None and not natural and text:
        kind = ValueType.STRING
    return _rule(column.name, kind)


def _injective(column: Column, kind: ValueType | None, time_zone: str) -> bool:
    found = _encoder(column, kind)
    return isinstance(found, Encoder) and in_zone(column, found, time_zone).injective


def _compound_references(definition: TableDefinition) -> Iterator[str]:
    for key in definition.foreign_keys:
        if len(key.columns) > 1:
            referenced = f"{key.schema}.{key.table} ({', '.join(key.referenced_columns)})"
            yield f"# ({_in_a_line(', '.join(key.columns))}) refers to {_in_a_line(referenced)}"


def _fields(definition: TableDefinition) -> Iterator[str | _Line]:
    table = definition.table_map
    paths: set[str] = set()
    lines = [
        _field(column, definition.columns[index], definition, paths)
        for index, column in enumerate(table.columns)
        if index not in table.primary_key
    ]
    yield "fields:" if paths else "fields: {}"
    yield from lines


def _field(
    column: Column, declared: ColumnDefinition, definition: TableDefinition, paths: set[str]
) -> _Line:
    if declared.generated and definition.table_map.mariadb:
        return _unlogged(column.name, declared)
    kind = _kind(declared)
    found = _encoder(column, kind)
    notes = (*_losses(column, kind), *_references(column, definition), *_comment(declared))
    if isinstance(found, Unsupported):
        name = _in_a_line(column.name)
        return _Line(f"  # {name} is left out: {_in_a_line(str(found))}", notes)
    path = _path(column.name, paths)
    return _Line(f"  {scalar(path)}: {_rule(column.name, kind)}", notes)


def _unlogged(name: str, declared: ColumnDefinition) -> _Line:
    """Return the comment why a mapping of the column would stop the stream."""
    computed = f"generated as {_in_a_line(declared.generated)}, which `sql` may compute"
    reason = "MariaDB 11.8 logs no generated columns in updates and deletes"
    line = f"  # {_in_a_line(name)} is left out: {reason}"
    return _Line(line, (computed, *_comment(declared)))


def _kind(declared: ColumnDefinition) -> ValueType | None:
    if declared.declared.startswith("tinyint(1)"):
        return ValueType.BOOL
    return ValueType.JSON if declared.json else _DECLARED.get(declared.declared)


def _encoder(column: Column, kind: ValueType | None) -> Encoder | Unsupported:
    try:
        return encoder(column, kind, lambda _: None)
    except Unsupported as error:
        return error


def _losses(column: Column, kind: ValueType | None) -> Iterator[str]:
    if kind is ValueType.BOOL:
        yield "every number but 0 becomes true"
    if column.type in {FieldType.DATETIME2, FieldType.TIMESTAMP2} and column.scale > 3:
        yield "microseconds below a millisecond are cut; `type: string` keeps them"
    if column.type is FieldType.JSON:
        yield "decimals in it become doubles"
    if column.type is FieldType.NEWDECIMAL and column.precision > 34:
        yield "a string: more than the 34 digits of a Decimal128"


def _references(column: Column, definition: TableDefinition) -> Iterator[str]:
    for key in definition.foreign_keys:
        if key.columns == (column.name,):
            referenced = f"{key.schema}.{key.table}.{key.referenced_columns[0]}"
            yield f"refers to {_in_a_line(referenced)}"


def _comment(declared: ColumnDefinition) -> Iterator[str]:
    if said := _in_a_line(declared.comment):
        yield f"“{said}”"


def _path(name: str, taken: set[str]) -> str:
    """Return a unique field for a column whose name MongoDB may not accept."""
    path = name.replace(".", "_").lstrip("$") or "field"
    if path == "_id":
        path = "id"
    while path in taken:
        path += "_"
    taken.add(path)
    return path


def _rule(column: str, kind: ValueType | None) -> str:
    if kind is None:
        return scalar(column)
    return f"{{column: {scalar(column)}, type: {kind.value}}}"


def scalar(text: str) -> str:
    """Write text so that every reader of YAML reads text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", r"\u007f")


def _in_a_line(text: str) -> str:
    return " ".join("".join(_printable(text)).split())


def _printable(text: str) -> Iterable[str]:
    return (one if one.isprintable() else " " for one in text)
