"""Ordinary transactions, read whole from what was received, by the native module.

It recognises those that stand whole in the buffer and are GTID, BEGIN, table maps, rows, XID, with
each check that single events have. All else is left to `TransactionAssembler.feed`: a transaction
that ends in a later buffer, any other event, whatever is damaged, a table that is new. So errors
come from there alone, and what is yielded here is what it would have returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cdc.model.position import GtidSet, MariadbGtids
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, Transaction
from cdc.native import MariadbGtidParts, MysqlGtidParts, RowsParts, TransactionParts, native
from cdc.readers.binlog import events, rows
from cdc.readers.binlog.cursor import BinlogCursor
from cdc.readers.binlog.events import EventType, Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.open_transaction import committed_at
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.server.packets import PacketStream

_OPENING: Final = {
    GtidSet: bytes((EventType.GTID,)),
    MariadbGtids: bytes((EventType.MARIADB_GTID,)),
    type(None): bytes((EventType.GTID, EventType.ANONYMOUS_GTID, EventType.MARIADB_GTID)),
}
"""The events that open a transaction, by what GTIDs the stream's positions have."""
_new = tuple.__new__
"""Makes a `RowsEvent` in 0.18 us; its constructor takes 0.34 (timeit, CPython 3.11)."""


def transactions(
    packets: PacketStream,
    cursor: BinlogCursor,
    cache: TableMapCache,
    tables: dict[bytes, TableMap | None],
    *,
    checksum: bool,
    transaction_bytes: int,
) -> Iterator[Transaction]:
    """Yield the transactions that can be read so, from where one may begin; none without native.

    `tables` are those announced, by id. A transaction with more than `transaction_bytes` of row
    images is left to who delivers it in parts.
    """
    if native is None:
        return
    opens = _OPENING[type(getattr(cursor.position, "gtids", None))]
    found, at, number = native.read_transactions(
        *packets.buffered, cursor.offset, checksum, opens, transaction_bytes
    )
    for each in found:
        changes = _changes(each[-1], cache, tables)
        if changes is None:
            at, number = each[0]
            break
        yield _transaction(each, changes, cursor)
    packets.go_on_at(at, number)


def _changes(
    found: list[RowsParts], cache: TableMapCache, tables: dict[bytes, TableMap | None]
) -> tuple[RowsEvent, ...] | None:
    """Announce the tables, and return the rows events of those that are followed.

    None if a table map is new, or does not fit.
    """
    changes = []
    for ordinal, (table_id, payload, kind, columns, present, after, images) in enumerate(found, 1):
        try:
            table = tables[table_id] = cache.known(payload)
        except KeyError:
            return None
        if table is None:
            continue
        if columns != len(table.columns):
            return None
        event = (table, rows.KINDS[kind], present, after, images, ordinal)
        changes.append(_new(RowsEvent, event))
    return tuple(changes)


def _transaction(
    found: TransactionParts, changes: tuple[RowsEvent, ...], cursor: BinlogCursor
) -> Transaction:
    _, (offset, end), gtid_event, parts, ended_at, _ = found
    gtid = _gtid(parts)
    anonymous = isinstance(gtid, Gtid) and not gtid.number
    identity = f"{cursor.file}:{offset}" if anonymous else str(gtid)
    witness = cursor.witness_of(offset, gtid_event)
    cursor.offset = end
    return cursor.commit(identity, gtid, witness, committed_at(gtid, ended_at), changes)


def _gtid(parts: MysqlGtidParts | MariadbGtidParts) -> Gtid | MariadbGtid:
    if len(parts) == 3:
        uuid, number, microseconds = parts
        return Gtid(events.source(uuid), number, microseconds / 1e6)
    domain, server_id, sequence, flags = parts
    return MariadbGtid(domain, server_id, sequence, MariadbGtidFlag(flags))
