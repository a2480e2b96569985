"""A table as SELECT returns it: its columns, its key, and the wire form of its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cdc import native
from cdc.model.table_map import TableMap
from cdc.model.table_name import sql_name
from cdc.readers.select.keys import Key, KeyColumn
from cdc.readers.select.keys import found as key_of
from cdc.readers.select.prepared import Convert, bitmap_size
from cdc.readers.select.wire_values import WireColumn
from cdc.readers.server.varint import packed

PRIMARY: Final = "PRIMARY"
"""The name of a primary key's index."""


@dataclass(frozen=True, slots=True)
class TableKey:
    """A unique key: its index, its columns, and their numbers in the table.

    `order` names the columns with their collations: keys of the same order have the same cursors.
    """

    index: str
    order: str
    columns: tuple[KeyColumn, ...]
    at: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class SelectTable:
    """A table that chunks are read from, as it was when it was opened.

    `map` is the table map of the chunks' events, one object for as long as the table is open. `by`
    is the key that orders the rows, and `keys` all that could. `rows_estimate` is the server's own.
    `images` turns rows into row images, and `images_at_once` many of them in one call; None without
    the native module.
    """

    map: TableMap = field(repr=False)
    by: TableKey
    keys: tuple[TableKey, ...] = field(repr=False)
    rows_estimate: int
    bytes_a_row: int
    definition: str = field(repr=False)
    images: Mapping[bytes, Convert] = field(repr=False)
    images_at_once: native.RowImages | None = field(repr=False)
    wire_columns: tuple[WireColumn, ...] = field(repr=False)

    @property
    def key(self) -> tuple[KeyColumn, ...]:
        """The columns of the key that orders the rows."""
        return self.by.columns

    @property
    def key_at(self) -> tuple[int, ...]:
        """The numbers of the key's columns in the table."""
        return self.by.at

    @property
    def schema(self) -> str:
        """The schema's name."""
        return self.map.schema

    @property
    def table(self) -> str:
        """The table's own name."""
        return self.map.table

    @property
    def name(self) -> str:
        """`schema.table`."""
        return self.map.name

    @property
    def columns(self) -> str:
        """The columns, as a SELECT lists them."""
        return ", ".join(each.select for each in self.wire_columns)

    @property
    def key_columns(self) -> str:
        """The key's columns, as a SELECT lists them."""
        return ", ".join(self.wire_columns[at].select for at in self.key_at)

    @property
    def source(self) -> str:
        """The FROM clause: names the key's index, so that rows come in its order."""
        return f"{sql_name(self.schema, self.table)} FORCE INDEX ({sql_name(self.by.index)})"

    @property
    def present(self) -> bytes:
        """The bitmap of an image that holds every column."""
        count = len(self.map.columns)
        return ((1 << count) - 1).to_bytes((count + 7) // 8, "little")

    def found_by(self, columns: Collection[str]) -> SelectTable | None:
        """Return the table with a key whose columns are all among these; None if it has none."""
        for key in self.keys:
            if columns and {each.name for each in key.columns} <= {*columns}:
                return replace(self, by=key)
        return None

    def read_in(self, order: str) -> SelectTable | None:
        """Return the table with a key of this order; None if it no longer has one."""
        for key in (self.by, *self.keys):
            if key.order == order:
                return replace(self, by=key)
        return None

    def key_found(self, values: Sequence[Any]) -> Key | None:
        """Return the key whose columns became these BSON values; None if there can be none."""
        return key_of(self.key, values)

    def read_key(self, row: bytes) -> Key:
        """Return the key of a row that arrived."""
        values = dict(_values(row, self.wire_columns))
        return tuple(
            column.read(values[at]) for column, at in zip(self.key, self.key_at, strict=True)
        )

    def read_bare_key(self, row: bytes) -> Key:
        """Return the key of a row that consists of the key alone."""
        values = dict(_values(row, [self.wire_columns[at] for at in self.key_at]))
        return tuple(column.read(values[at]) for at, column in enumerate(self.key))


def _values(row: bytes, wire_columns: Sequence[WireColumn]) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of each column that is not NULL, by its number."""
    start = bitmap_size(len(wire_columns))
    nulls = int.from_bytes(row[:start], "little") >> 2
    for at, each in enumerate(wire_columns):
        if nulls >> at & 1:
            continue
        size = each.size
        if not size:
            size, start = packed(row, start)
        yield at, row[start : start + size]
        start += size
