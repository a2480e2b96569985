"""Finds an index, unique or not, by which a server finds rows with some values in some columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Final

from cdc.mapping.types.registry import INTEGER_BYTES
from cdc.model.table_map import FieldType
from cdc.readers.select.keys import Characters, KeyColumn, key_column
from cdc.readers.select.select_table import SelectTable, TableKey
from cdc.readers.select.table_lookup import in_use
from cdc.readers.server.connection import SourceConnection
from cdc.readers.server.queries import rows

_FOUND_AGAIN: Final = frozenset(
    {
        *INTEGER_BYTES,
        FieldType.YEAR,
        FieldType.ENUM,
        FieldType.NEWDECIMAL,
        FieldType.DATE,
        FieldType.STRING,
        FieldType.VARCHAR,
    }
)
"""Types whose BSON values lose nothing of what a condition compares; dates lose microseconds."""


def search_key(
    connection: SourceConnection, table: SelectTable, columns: Collection[str]
) -> TableKey | None:
    """Return the index that begins with the most of these columns; None if none does."""
    found = [(name, [*_leading(parts, columns)]) for name, parts in _indexes(connection, table)]
    name, leading = max(found, key=lambda each: len(each[1]), default=("", []))
    if not leading:
        return None
    names = [each.name for each in table.map.columns]
    at = tuple(names.index(each.name) for each in leading)
    return TableKey(name, "", tuple(leading), at)


def _indexes(
    connection: SourceConnection, table: SelectTable
) -> Iterator[tuple[str, list[KeyColumn | None]]]:
    """Yield each index with its columns, None for one that no value is compared with."""
    by_name = {each.name: each for each in table.map.columns}
    found = rows(
        connection,
        "SELECT s.index_name, s.column_name, c.data_type, c.character_set_name, c.collation_name"
        " FROM information_schema.statistics s LEFT JOIN information_schema.columns c"
        " ON c.table_schema = s.table_schema AND c.table_name = s.table_name"
        " AND c.column_name = s.column_name"
        " WHERE s.table_schema = %s AND s.table_name = %s AND s.index_type = 'BTREE'"
        f"{in_use(connection)} ORDER BY s.index_name <> 'PRIMARY', s.index_name, s.seq_in_index",
        table.schema,
        table.table,
    )
    for name, parts in groupby(found, key=lambda row: str(row[0])):
        columns: list[KeyColumn | None] = []
        for _, column, type_, charset, collation in parts:
            known = by_name.get(str(column))
            characters = Characters(str(charset), str(collation)) if charset else None
            columns.append(
                None
                if known is None or known.type not in _FOUND_AGAIN
                else key_column(known, str(type_).lower(), characters)
            )
        yield name, columns


def _leading(parts: list[KeyColumn | None], columns: Collection[str]) -> Iterator[KeyColumn]:
    for each in parts:
        if each is None or each.name not in columns:
            return
        yield each
