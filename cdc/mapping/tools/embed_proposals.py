"""Proposes, from foreign keys, what the documents of tables could embed of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cdc.model.table_definition import ForeignKey, TableDefinition

LIMIT = 500
"""Elements that a proposed array has at most: one without an end outgrows its document."""


def proposals(
    definition: TableDefinition,
    known: Sequence[TableDefinition],
    targets: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield (path, embed in YAML) for a table, of tables that are `known`.

    `targets` are the collections by table, `schema.table`. Keys of several columns are left out.
    """
    taken = {column.name for column in definition.table_map.columns}
    for key, referenced in _references(definition, known):
        path = _name(key.columns[0], referenced, taken)
        if path is not None:
            taken.add(path)
            target = targets[referenced.table_map.name]
            yield path, f"{{one: {target}, on: {_field(definition, key)}}}"
    for other in known:
        for key, _ in _references(other, [definition]):
            path = other.table_map.table
            if path not in taken and _is_plain(path):
                taken.add(path)
                target = targets[other.table_map.name]
                yield path, f"{{many: {target}, on: {_field(other, key)}, limit: {LIMIT}}}"


def _references(
    definition: TableDefinition, known: Sequence[TableDefinition]
) -> Iterator[tuple[ForeignKey, TableDefinition]]:
    """Yield the foreign keys of one column that refer to a table's primary key, and that table."""
    for key in definition.foreign_keys:
        if len(key.columns) != 1 or not _is_plain(key.columns[0]):
            continue
        for other in known:
            table = other.table_map
            primary = tuple(table.columns[index].name for index in table.primary_key)
            is_meant = (table.schema, table.table) == (key.schema, key.table)
            if is_meant and primary == key.referenced_columns and other is not definition:
                yield key, other


def _field(definition: TableDefinition, key: ForeignKey) -> str:
    """Return the field of a draft's documents that holds the key's column."""
    table, column = definition.table_map, key.columns[0]
    primary = [table.columns[index].name for index in table.primary_key]
    if column not in primary:
        return column
    return "_id" if len(primary) == 1 else f"_id.{column}"


def _name(column: str, referenced: TableDefinition, taken: set[str]) -> str | None:
    for name in (column.removesuffix("_id"), referenced.table_map.table):
        if name not in taken and _is_plain(name):
            return name
    return None


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name.isascii()
