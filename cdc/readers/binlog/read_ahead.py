"""Runs of ordinary transactions, read at once from what was received, by the native module.

It recognises those that stand whole in the buffer and are GTID, BEGIN, table maps, rows, XID, with
each check that single events have. All else is left to `TransactionAssembler.feed`: a transaction
that ends in a later buffer, any other event, whatever is damaged, a table that is new. So errors
come from there alone, and what is yielded here is what it would have returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from functools import partial
from typing import Final, NamedTuple

from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.position import GtidSet, MariadbGtids
from cdc.model.table_map import TableMap
from cdc.model.transaction import Delivery, RowsEvent, RunRows, Transaction, TransactionRun
from cdc.native import MariadbGtidParts, MysqlGtidParts, RowsParts, RunParts, native
from cdc.readers.binlog import gtid_events, rows
from cdc.readers.binlog.cursor import BinlogCursor
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.open_transaction import committed_at
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.server.packets import HEADER_SIZE as PACKET_HEADER
from cdc.readers.server.packets import PacketStream

_OPENING: Final = {
    GtidSet: bytes((EventType.GTID,)),
    MariadbGtids: bytes((EventType.MARIADB_GTID,)),
    type(None): bytes((EventType.GTID, EventType.ANONYMOUS_GTID, EventType.MARIADB_GTID)),
}
"""The events that open a transaction, by what GTIDs the stream's positions have."""

_ANY_NUMBER: Final = 1 << 32


class ReadAhead:
    """Reads runs of transactions where one may begin."""

    def __init__(
        self, cursor: BinlogCursor, cache: TableMapCache, tables: dict[bytes, TableMap | None]
    ) -> None:
        """Move `cursor`; `tables` are those announced, by id."""
        self._cursor = cursor
        self._cache = cache
        self._tables = tables
        self._most = _ANY_NUMBER

    def read(
        self, packets: PacketStream, *, checksum: bool, transaction_bytes: int
    ) -> Iterator[Delivery]:
        """Yield what can be read so; nothing without the native module.

        A transaction with more than `transaction_bytes` of row images is left to who delivers it in
        parts.
        """
        if native is None:
            return
        cursor = self._cursor
        opens = _OPENING[type(getattr(cursor.position, "gtids", None))]
        while True:
            buffer, at, number = packets.buffered
            begun = _Beginning(buffer, at, number, checksum, opens, transaction_bytes, copy(cursor))
            found = self._found(begun)
            if found is None:
                return
            packets.go_on_at(*found[1])
            yield self._delivered(found, begun)

    def _found(self, begun: _Beginning) -> RunParts | None:
        """Read the run up to the first transaction whose table is to be looked up.

        What was read behind that is read again. So where many tables are new, or more than the
        cache holds take turns, it reads no more at once than has just been of use, or twice that.
        """
        most = self._most
        found = begun.run(most)
        if found is None:
            return None
        if (unknown := self._first_unknown(found)) is not None:
            self._most = max(1, unknown)
            return begun.run(unknown)
        if found[0] == most:
            self._most = 2 * most
        return found

    def _first_unknown(self, found: RunParts) -> int | None:
        """Return the number of the first transaction whose table is new, or not as it says.

        Tables without rows count, too: what they should have had may be damaged.
        """
        *_, unread, rows_parts = found
        unknown = [at for payload, at in unread if not self._is_known(payload)][:1]
        for _, payload, _, columns, *_, numbers in rows_parts:
            if not self._is_known(payload, columns):
                unknown.append(numbers[0])
                break
        return min(unknown, default=None)

    def _is_known(self, payload: bytes, columns: int | None = None) -> bool:
        """Return whether a table was looked up before, and has so many columns."""
        try:
            table = self._cache.known(payload)
        except KeyError:
            return False
        return table is None or columns in (None, len(table.columns))

    def _delivered(self, found: RunParts, begun: _Beginning) -> Delivery:
        """Move the cursor behind a run, announce its tables, and return it."""
        count, *_, rows_parts = found
        tables = {payload: self._cache.known(payload) for _, payload, *_ in rows_parts}
        for table_id, payload, *_ in rows_parts:
            self._tables[table_id] = tables[payload]
        if count == 1:
            return _transaction(found, begun, tables, self._cursor)
        return _run(found, begun, tables, self._cursor)


class _Beginning(NamedTuple):
    """What was received, from where a run begins; `cursor` is there, too."""

    buffer: bytes
    at: int
    number: int
    checksum: bool
    opens: bytes
    image_bytes: int
    cursor: BinlogCursor

    def run(self, most: int) -> RunParts | None:
        """Read the run, of `most` transactions at most."""
        if native is None or most == 0:
            return None
        buffer, at, number, checksum, opens, image_bytes, cursor = self
        return native.read_run(
            buffer, at, number, cursor.offset, checksum, opens, image_bytes, most
        )

    @property
    def first_statement_at(self) -> int:
        """The time of the event behind MariaDB's GTID event, each of which is a packet."""
        size = int.from_bytes(self.buffer[self.at : self.at + 3], "little")
        event = self.at + 2 * PACKET_HEADER + size + 1  # behind its own OK byte
        return int.from_bytes(self.buffer[event : event + 4], "little")

    def up_to(self, end: int) -> _Beginning:
        """Return the same with no more of what was received: a run may wait long."""
        return self._replace(buffer=self.buffer[self.at : end], at=0)

    def apart(self, count: int, tables: Mapping[bytes, TableMap | None]) -> Iterator[Transaction]:
        """Yield the first `count` transactions, one by one."""
        here = self._replace(cursor=copy(self.cursor))
        for _ in range(count):
            found = here.run(1)
            assert found is not None  # it was read before
            yield _transaction(found, here, tables, here.cursor)
            at, number = found[1]
            here = here._replace(at=at, number=number)

    def checkpoint_behind(self, number: int) -> Checkpoint:
        """Return the checkpoint behind a transaction, which count from 0."""
        found = self.run(number + 1)
        assert found is not None  # it was read before
        return _pass(found, copy(self.cursor))


def _pass(found: RunParts, cursor: BinlogCursor) -> Checkpoint:
    """Move the cursor behind a run, and return the checkpoint there."""
    count, _, _, next_to_last, last, gtid_event, *_ = found
    if count > 1:
        cursor.offset = next_to_last[-1]
        cursor.position = cursor.after(_gtid(next_to_last[0]), count - 1)
    gtid, _, offset, end = last
    witness = cursor.witness_of(offset, gtid_event)
    cursor.offset = end
    return cursor.pass_transaction(_gtid(gtid), witness)


def _transaction(
    found: RunParts,
    begun: _Beginning,
    tables: Mapping[bytes, TableMap | None],
    cursor: BinlogCursor,
) -> Transaction:
    """Move the cursor behind the only transaction of a run, and return it."""
    gtid, ended_at, offset = _gtid(found[4][0]), *found[4][1:3]
    identity, before = _identity(gtid, cursor.file, offset), cursor.position
    changes = [
        _event(each, table, ordinal)
        for ordinal, each in enumerate(found[-1], 1)
        if (table := tables[each[1]]) is not None
    ]
    began = begun.first_statement_at if isinstance(gtid, MariadbGtid) else 0
    ended, checkpoint = committed_at(gtid, ended_at), _pass(found, cursor)
    return Transaction(identity, before, checkpoint, ended, tuple(changes), 0, began)


def _run(
    found: RunParts,
    begun: _Beginning,
    tables: Mapping[bytes, TableMap | None],
    cursor: BinlogCursor,
) -> TransactionRun:
    """Move the cursor behind a run, and return it."""
    count, (at, _), first, _, last, _, identities, _, rows_parts = found
    before, first_gtid, gtid = cursor.position, _gtid(first[0]), _gtid(last[0])
    kept = begun.up_to(at)
    return TransactionRun(
        count,
        before,
        _pass(found, cursor),
        committed_at(first_gtid, first[1]),
        committed_at(gtid, last[1]),
        isinstance(gtid, MariadbGtid),
        at - begun.at,
        tuple(
            RunRows(_event(each, table, 0), *each[-2:])
            for each in rows_parts
            if (table := tables[each[1]]) is not None
        ),
        Span.of(
            _identity(first_gtid, cursor.file, first[2]), _identity(gtid, cursor.file, last[2])
        ),
        identities,
        partial(kept.apart, count, tables),
        kept.checkpoint_behind,
    )


def _identity(gtid: Gtid | MariadbGtid, file: str, offset: int) -> str:
    """Return the identity of a transaction that begins at an offset of a file."""
    anonymous = isinstance(gtid, Gtid) and not gtid.number
    return f"{file}:{offset}" if anonymous else str(gtid)


def _event(parts: RowsParts, table: TableMap, ordinal: int) -> RowsEvent:
    _, _, kind, _, present, present_after, images, _, _ = parts
    return RowsEvent(table, rows.KINDS[kind], present, present_after, images, ordinal)


def _gtid(parts: MysqlGtidParts | MariadbGtidParts) -> Gtid | MariadbGtid:
    if len(parts) == 3:
        uuid, number, microseconds = parts
        return Gtid(gtid_events.source(uuid), number, microseconds / 1e6)
    domain, server_id, sequence, flags = parts
    return MariadbGtid(domain, server_id, sequence, MariadbGtidFlag(flags))
