"""Proposes, from foreign keys, what the documents of tables could embed of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cdc.mapping.tools.draft import scalar
from cdc.model.table_definition import ForeignKey, TableDefinition

LIMIT = 500
"""Elements that a proposed array has at most: one without an end outgrows its document."""


def proposals(
    definition: TableDefinition,
    known: Sequence[TableDefinition],
    targets: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield (path, embed in YAML) for a table, of tables that are `known`.

    `targets` are the collections by table, `schema.table`.
    """
    taken = {column.name for column in definition.table_map.columns}
    for key, referenced in _references(definition, known):
        table = referenced.table_map.table
        names = (key.columns[0].removesuffix("_id"), table, f"{key.columns[0]}_{table}")
        if (path := _first_free(names, taken)) is not None:
            link = _link(_pairs(definition, key, referenced))
            yield path, f"{{one: {_target(referenced, targets)}, on: {link}}}"
    for other in known:
        for key, _ in _references(other, [definition]):
            table = other.table_map.table
            if (path := _first_free((table, f"{table}_{key.columns[0]}"), taken)) is not None:
                link = _link(_pairs(other, key, definition), is_ours_first=False)
                yield path, f"{{many: {_target(other, targets)}, on: {link}, limit: {LIMIT}}}"


def _references(
    definition: TableDefinition, known: Sequence[TableDefinition]
) -> Iterator[tuple[ForeignKey, TableDefinition]]:
    """Yield the foreign keys that refer to all of a table's primary key, and that table."""
    for key in definition.foreign_keys:
        if not all(map(_is_plain, (*key.columns, *key.referenced_columns))):
            continue
        for other in known:
            table = other.table_map
            is_meant = (table.schema, table.table) == (key.schema, key.table)
            is_whole = {*_primary(other)} == {*key.referenced_columns}
            if is_meant and is_whole and other is not definition:
                yield key, other


def _primary(definition: TableDefinition) -> list[str]:
    table = definition.table_map
    return [table.columns[index].name for index in table.primary_key]


def _target(definition: TableDefinition, targets: Mapping[str, str]) -> str:
    return scalar(targets[definition.table_map.name])


def _pairs(
    definition: TableDefinition, key: ForeignKey, referenced: TableDefinition
) -> list[tuple[str, str]]:
    """Return the field of each column of a key, and that of the column it refers to."""
    return [
        (_field(definition, column), _field(referenced, other))
        for column, other in zip(key.columns, key.referenced_columns, strict=True)
    ]


def _link(pairs: Sequence[tuple[str, str]], *, is_ours_first: bool = True) -> str:
    """Return `on`: of one column its short form, which leaves `_id` to be understood."""
    if len(pairs) == 1:
        return scalar(pairs[0][0])
    parts = (pair if is_ours_first else pair[::-1] for pair in pairs)
    return f"{{{', '.join(f'{scalar(ours)}: {scalar(theirs)}' for ours, theirs in parts)}}}"


def _field(definition: TableDefinition, column: str) -> str:
    """Return the field of a draft's documents that holds a column."""
    primary = _primary(definition)
    if column not in primary:
        return column
    return "_id" if len(primary) == 1 else f"_id.{column}"


def _first_free(names: Sequence[str], taken: set[str]) -> str | None:
    """Return the first name that nothing has yet, which has it from now on."""
    for name in names:
        if name not in taken and _is_plain(name):
            taken.add(name)
            return name
    return None


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name.isascii() and name != "_id"
