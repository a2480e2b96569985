"""A second reading of binlog events, from the servers' descriptions alone: it shares nothing.

It knows the events and types of `recordings`, no others, and is slow and strict. That it is right
is shown by mysql-replication, which reads what the servers wrote as it does.

Formats: `libs/mysql/binlog/event/*.h` of MySQL, `sql/log_event.h` of MariaDB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import zstandard

from tests.fuzz.second_values import WRONG, Column, Impossible, Unread, value

HEADER: Final = 19
INSERTS, UPDATES, DELETES = (23, 30, 166, 169), (24, 31, 167, 170), (25, 32, 168, 171)
ROWS: Final = (*INSERTS, *UPDATES, *DELETES)
VERSION_2: Final = (30, 31, 32, 169, 170, 171)
PACKED: Final = range(166, 172)
BETWEEN: Final = frozenset({3, 4, 5, 9, 11, 13, 14, 15, 17, 27, 28, 29, 35, 36, 37, 41})
"""Events that hold no row, nor begin or end a transaction; they are passed over wherever."""
BETWEEN_MARIADB: Final = frozenset({160, 161, 163, 164})

LAST_NUMBER: Final = 2**63 - 2
CHECKED: Final = b"\1"
"""The algorithm of checksums, at the end of a file's description: CRC32."""

NO_END: Final = (0xFFFFFF).to_bytes(6, "little")
"""The table id of a rows event without rows."""

Row = dict[str, Any]


@dataclass
class Table:
    """A table as its map describes it; `key` are the names of its primary key's columns."""

    name: str
    columns: list[Column]
    key: list[str]


Change = tuple[Table, Row | None, Row | None]
"""The table, the row before and the row after."""


@dataclass
class Read:
    """A transaction: its GTID, or "", and its changes."""

    gtid: str
    changes: list[Change] = field(default_factory=list)


@dataclass
class Cursor:
    """Bytes that are read from the front."""

    data: bytes
    at: int = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Impossible("it ends early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def packed(self) -> int:
        """Read an integer of one byte, or behind a byte that says how large it is."""
        first = self.number(1)
        if first < 0xFB:
            return first
        if first in (0xFB, 0xFF):
            raise Impossible("no length begins so")
        return self.number({0xFC: 2, 0xFD: 3, 0xFE: 8}[first])

    def text(self) -> bytes:
        return self.take(self.packed())


class SecondReading:
    """Reads events without checksums, whole transactions at a time."""

    def __init__(self, *, mariadb: bool, followed: frozenset[str] | None = None) -> None:
        """Of tables that are not `followed` nothing but the name is read; None for all."""
        self._followed = followed
        self._mariadb = mariadb
        self._open: Read | None = None
        self._begun = False
        self._tables: dict[bytes, Table] = {}

    def transactions(self, events: Iterable[bytes]) -> Iterator[Read]:
        """Yield each as it ends; raises Impossible for what no server writes, Unread for others."""
        for event in events:
            if (done := self._feed(event)) is not None:
                yield done

    def table(self, event: bytes) -> Table:
        """Return the table of a table map."""
        return self._table(Cursor(event, HEADER + 8))

    def _feed(self, event: bytes) -> Read | None:
        kind, flags, body = event[4], int.from_bytes(event[17:19], "little"), Cursor(event, HEADER)
        if kind in (33, 34):
            body.take(1)
            source, number = body.take(16).hex(), body.number(8)
            if number > LAST_NUMBER:
                raise Impossible("no such GTID")
            parts = (source[:8], source[8:12], source[12:16], source[16:20], source[20:])
            self._begin(f"{'-'.join(parts)}:{number}" if number else "", begun=False)
        elif kind == 162 and self._mariadb:
            sequence, domain, flags = body.number(8), body.number(4), body.number(1)
            server = int.from_bytes(event[5:9], "little")
            self._begin(f"{domain}-{server}-{sequence}", begun=not flags & 1)
        elif kind == 2:
            return self._query(body)
        elif kind == 19:
            table_id, _ = body.take(6), body.take(2)
            self._tables[table_id] = self._table(body)
        elif kind in ROWS:
            self._rows(kind, body)
        elif kind == 16:
            if body.left != 8:
                raise Impossible("a commit without a number")
            return self._end()
        elif kind == 15 and event[-1:] != CHECKED:
            raise Unread("a file without checksums")
        elif kind == 40 and not self._mariadb:
            return self._compressed(body)
        elif kind not in (BETWEEN | BETWEEN_MARIADB if self._mariadb else BETWEEN):
            raise Unread(f"event {kind}")
        return None

    def _compressed(self, body: Cursor) -> Read:
        """Return the transaction in a payload, of which the last event is the end."""
        ended: Read | None = None
        for event in _payload(body):
            if ended is not None:
                raise Impossible("a compressed transaction goes on behind its end")
            ended = self._feed(event)
        if ended is None:
            raise Impossible("a compressed transaction has no end")
        return ended

    def _begin(self, gtid: str, *, begun: bool) -> None:
        if self._open is not None:
            raise Impossible("a transaction begins within another")
        self._open, self._begun, self._tables = Read(gtid), begun, {}

    def _current(self) -> Read:
        if self._open is None:
            raise Impossible("it stands in no transaction")
        return self._open

    def _end(self) -> Read:
        done, self._open = self._current(), None
        return done

    def _query(self, body: Cursor) -> Read | None:
        body.take(8)
        schema, _, status = body.number(1), body.take(2), body.number(2)
        body.take(status)
        body.take(schema + 1)
        statement = body.take(body.left).upper()  # a letter's case is a bit, and means nothing
        self._current()
        if statement == b"BEGIN":
            self._begun = True
            return None
        if statement == b"COMMIT" or not self._begun:
            return self._end()
        raise Unread("a statement within a transaction")

    def _rows(self, kind: int, body: Cursor) -> None:
        table_id, current = body.take(6), self._current()
        if table_id == NO_END:
            return
        if table_id not in self._tables:
            raise Impossible("rows of a table that was not announced")
        table = self._tables[table_id]
        if not self._is_followed(table.name):
            return
        body.take(2)
        if kind in VERSION_2:
            body.take(body.number(2) - 2)
        if body.packed() != len(table.columns):
            raise Impossible("another number of columns")
        present = [body.take((len(table.columns) + 7) // 8) for _ in range(1 + (kind in UPDATES))]
        if any(not each[at >> 3] >> (at & 7) & 1 for each in present for at in _of(table)):
            raise Unread("images without all columns")
        if kind in PACKED:
            body = Cursor(_inflated(body))
        while body.left:
            before = None if kind in INSERTS else self._row(table, body)
            after = None if kind in DELETES else self._row(table, body)
            current.changes.append((table, before, after))

    def _row(self, table: Table, body: Cursor) -> Row:
        nulls = body.take((len(table.columns) + 7) // 8)
        return {
            column.name: (WRONG if column.name in table.key else None)
            if nulls[at >> 3] >> (at & 7) & 1
            else value(column, body.take)
            for at, column in enumerate(table.columns)
        }

    def _is_followed(self, name: str) -> bool:
        return self._followed is None or name in self._followed

    def _table(self, body: Cursor) -> Table:
        names = [body.take(body.number(1) + 1) for _ in range(2)]
        if any(each.find(b"\0") != len(each) - 1 for each in names):
            raise Impossible("a name of another length")
        name = ".".join(each[:-1].decode() for each in names)
        if not self._is_followed(name):
            return Table(name, [], [])
        types = body.take(body.packed())
        meta = Cursor(body.text())
        columns = [Column.of(code, meta.take) for code in types]
        if meta.left:
            raise Impossible("attributes of no type")
        nullable = body.take((len(types) + 7) // 8)
        for at, column in enumerate(columns):
            column.nullable = bool(nullable[at >> 3] >> (at & 7) & 1)
        key, kinds = list[int](), list[int]()
        while body.left:
            kind, found = body.number(1), Cursor(body.text())
            kinds.append(kind)
            key = _described(kind, found, columns) or key
        if any(at >= len(columns) for at in key) or len(set(key)) < len(key):
            raise Impossible("no such key")
        if len(set(kinds)) < len(kinds):
            raise Impossible("a field twice")
        if any(each.collation is None for each in columns if each.is_text or each.is_enumerated):
            raise Impossible("a text without a collation")
        return Table(name, columns, [columns[at].name for at in key])


def _of(table: Table) -> range:
    return range(len(table.columns))


def _described(kind: int, found: Cursor, columns: list[Column]) -> list[int] | None:
    """Add one field of the optional metadata to the columns; return the primary key, if it is."""
    if kind == 1:
        numeric = [each for each in columns if each.is_numeric]
        bits = found.take(found.left)
        for at, column in enumerate(numeric):
            if at >> 3 >= len(bits):
                raise Impossible("too few signs")
            column.unsigned = bool(bits[at >> 3] & 0x80 >> (at & 7))
    elif kind in (2, 3, 10, 11):
        wanted = [each for each in columns if (each.is_enumerated if kind > 9 else each.is_text)]
        _collate(wanted, found, listed=kind in (3, 11))
    elif kind == 4:
        for column in columns:
            column.name = found.text().decode()
    elif kind in (5, 6):
        for column in columns:
            if column.code == (0xF8 if kind == 5 else 0xF7):
                column.members = [found.text() for _ in range(found.packed())]
    elif kind == 8:
        key = []
        while found.left:
            key.append(found.packed())
        return key
    elif kind == 12:
        return None
    else:
        raise Unread(f"metadata {kind}")
    return None


def _collate(columns: list[Column], found: Cursor, *, listed: bool) -> None:
    if not columns:
        return  # of nothing
    if listed:
        for column in columns:
            column.collation = found.packed()
        return
    default, others = found.packed(), dict[int, int]()
    while found.left:
        at = found.packed()
        others[at] = found.packed()
    for at, column in enumerate(columns):
        column.collation = others.get(at, default)


def _inflated(body: Cursor) -> bytes:
    """Undo `log_bin_compress`."""
    how = body.number(1)
    size = int.from_bytes(body.take(how & 7), "big")
    try:
        found = zlib.decompress(body.take(body.left))
    except zlib.error as error:
        raise Impossible("no zlib") from error
    if how & 0xF0 != 0x80 or len(found) != size:
        raise Impossible("compressed otherwise")
    return found


def _payload(body: Cursor) -> Iterator[bytes]:
    """Yield the events of a TRANSACTION_PAYLOAD event."""
    told = dict[int, int]()
    while kind := body.packed():
        value = Cursor(body.text())
        told[kind] = value.packed()
        if value.left:
            raise Unread("a number and more")
    if told.get(2) != 0:
        raise Unread("no zstd")
    try:
        whole = zstandard.ZstdDecompressor().decompressobj().decompress(body.take(body.left))
    except zstandard.ZstdError as error:
        raise Impossible("no zstd") from error
    inside = Cursor(whole)
    if len(whole) != told.get(3):
        raise Impossible("another size")
    while inside.left:
        size = int.from_bytes(inside.data[inside.at + 9 : inside.at + 13], "little")
        if size < HEADER:
            raise Impossible("an event without a header")
        yield inside.take(size)
