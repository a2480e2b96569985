"""Outlines the next transaction without decoding a row of it.

It continues where a `TransactionAssembler` stops: what cannot be read is reported as unclear, and
passed over.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cdc.errors import CdcError, Corrupted
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, Position
from cdc.model.witness import Witness
from cdc.model.xid import Xid
from cdc.readers.binlog import events, gtid_events, payloads, rows, table_maps
from cdc.readers.binlog.cursor import BinlogCursor
from cdc.readers.binlog.events import HEADER_SIZE, Event, EventType
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.sql import query_event
from cdc.readers.binlog.sql.statements import Role, Statement
from cdc.readers.binlog.sql.tokens import TableName
from cdc.readers.binlog.table_maps import Decode
from cdc.readers.binlog.transaction_assembler import DUMMY_TABLE_ID

_GTIDS: Final = frozenset(
    {
        EventType.GTID,
        EventType.ANONYMOUS_GTID,
        EventType.GTID_TAGGED,
        EventType.MARIADB_GTID,
    }
)
_BETWEEN: Final = frozenset(
    {
        EventType.STOP,
        EventType.HEARTBEAT,
        EventType.HEARTBEAT_V2,
        EventType.IGNORABLE,
        EventType.TRANSACTION_CONTEXT,
        EventType.VIEW_CHANGE,
        EventType.PREVIOUS_GTIDS,
        EventType.GTID_LIST,
        EventType.BINLOG_CHECKPOINT,
        EventType.START_ENCRYPTION,
    }
)
"""Events that change nothing, wherever they stand."""
_BESIDE: Final = frozenset(
    {
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
        EventType.ROWS_QUERY,
        EventType.ANNOTATE_ROWS,
    }
)
"""Events that change nothing, and belong to a transaction."""
_QUERIES: Final = frozenset({EventType.QUERY, EventType.QUERY_COMPRESSED})
_ENDING: Final = frozenset({EventType.XID, EventType.XA_PREPARE, EventType.TRANSACTION_PAYLOAD})
_TELLING_NOTHING: Final = frozenset({Role.SAVEPOINT, Role.ROLLBACK_TO, Role.OTHER})

_UNREADABLE: Final = (ArithmeticError, LookupError, ValueError, struct.error, CdcError)


@dataclass(frozen=True, slots=True)
class Outline:
    """A transaction, from the position `before` it to the checkpoint `after` it.

    `rows_events` counts those of each table; `statements` are first words with the known tables of
    each, ANY_TABLE for all of a schema. `unclear` says what hides which tables it touches.
    `prepared` is its XA name if another transaction decides later whether it is committed.
    """

    identity: str
    before: Position
    after: Checkpoint
    committed_at: float
    rows_events: Mapping[TableName, int]
    statements: tuple[tuple[str, tuple[TableName, ...]], ...] = ()
    unclear: tuple[str, ...] = ()
    prepared: Xid | None = None

    @property
    def tables(self) -> frozenset[TableName]:
        """The tables that it is known to touch."""
        named = [table for _, tables in self.statements for table in tables]
        return frozenset([*self.rows_events, *named])


@dataclass(slots=True)
class _Group:
    """`begun`: it ends with a commit, not with its first statement."""

    identity: str
    before: Position
    witness: Witness | None
    gtid: Gtid | MariadbGtid | None = None
    begun: bool = False
    rows_events: Counter[TableName] = field(default_factory=Counter)
    statements: list[tuple[str, tuple[TableName, ...]]] = field(default_factory=list)
    unclear: dict[str, None] = field(default_factory=dict)
    prepared: Xid | None = None
    has_incident: bool = False


class Outliner:
    """Takes one connection's events from `checkpoint` on, until the first transaction ends."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        decode: Decode,
        mariadb: bool = False,
        folds_names: bool = False,
    ) -> None:
        self._cursor = BinlogCursor(checkpoint)
        self._server = checkpoint.server
        self._mariadb = mariadb
        self._inflight = checkpoint.inflight
        self._decode = decode
        self._folds_names = folds_names
        self._group: _Group | None = None
        self._names: dict[bytes, TableName] = {}

    @property
    def is_within(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return self._group is not None

    @property
    def is_nameless(self) -> bool:
        """Whether what has begun has no end that a position could name."""
        return self._group is not None and not self._is_whole(self._group)

    def feed(self, event: Event, *, damaged: bool = False) -> Outline | None:
        """Process the next event; return the transaction that it ends.

        `damaged`: its checksum is wrong. Raises Corrupted if a transaction's name is damaged,
        Halted if the log is another one.
        """
        group = self._group
        if event.type in _GTIDS and group is not None and self._is_whole(group):
            return self._ended(event)
        self._cursor.advance(event, in_transaction=group is not None)
        if event.type in _GTIDS:
            if damaged:
                raise Corrupted("the name of a transaction is damaged", position=str(self._cursor))
            self._open(event)
            return None
        if event.type in (EventType.ROTATE, EventType.FORMAT_DESCRIPTION):
            return self._file(event)
        if event.type in _BETWEEN:
            if group is None and not damaged:
                self._cursor.move_past(event, None)
            return None
        return self._in_group(event, damaged=damaged)

    def _is_whole(self, group: _Group) -> bool:
        """Return whether what was read has an end with a name, though no end was read."""
        return group.gtid is not None or isinstance(self._cursor.position, FilePosition)

    # -- what opens a group

    def _open(self, event: Event) -> None:
        self._names.clear()
        gtid = _gtid(event)
        begun = isinstance(gtid, MariadbGtid) and MariadbGtidFlag.STANDALONE not in gtid.flags
        named = isinstance(gtid, MariadbGtid) or gtid.number
        group = self._opened(event)
        group.identity = str(gtid) if named else self._begin_of(event)
        group.gtid, group.begun = gtid, begun
        cursor, offset = self._cursor, self._cursor.offset - event.size
        group.witness = Witness(
            self._server, cursor.file, cursor.created, offset, event.data, cursor.position
        )

    def _opened(self, event: Event) -> _Group:
        if self._group is None:
            cursor = self._cursor
            self._group = _Group(self._begin_of(event), cursor.position, cursor.witness)
        return self._group

    def _begin_of(self, event: Event) -> str:
        return f"{self._cursor.file}:{self._cursor.offset - event.size}"

    # -- what stands in it

    def _in_group(self, event: Event, *, damaged: bool) -> Outline | None:
        if self._group is None and event.flags & events.LOG_EVENT_IGNORABLE:
            return None
        group = self._opened(event)
        if damaged:
            group.unclear["an event is damaged"] = None
        ends = event.type in _ENDING or (event.type in _QUERIES and not group.begun)
        return self._ended(event) if self._ends(group, event, else_=ends) else None

    def _ends(self, group: _Group, event: Event, *, else_: bool) -> bool:
        """Process an event; return whether it ends the group, `else_` if it cannot be read.

        The contents of a compressed transaction are no reason to stop either.
        """
        try:
            return self._read(group, event)
        except _UNREADABLE:
            group.unclear[f"an event of type {event.type} cannot be read"] = None
            return else_

    def _read(self, group: _Group, event: Event) -> bool:
        if event.type == EventType.TABLE_MAP:
            schema, table, _ = table_maps.names(event.data[table_maps.PAYLOAD_AT :])
            self._names[table_maps.table_id(event)] = (schema, table)
        elif event.type in rows.KINDS:
            self._rows(group, event)
        elif event.type in _QUERIES:
            return self._query(group, event)
        elif event.type == EventType.XA_PREPARE and not events.is_one_phase(event):
            group.prepared = _xid(event)
        elif event.type == EventType.TRANSACTION_PAYLOAD:
            for inside in payloads.unpack(event):
                self._ends(group, inside, else_=False)
        elif event.type not in _BESIDE | _ENDING:
            return self._strange(group, event)
        return event.type in _ENDING

    def _rows(self, group: _Group, event: Event) -> None:
        table_id = rows.table_id(event)
        if (name := self._names.get(table_id)) is not None:
            group.rows_events[name] += 1
        elif table_id != DUMMY_TABLE_ID:
            group.unclear["rows of a table that is not named"] = None

    def _query(self, group: _Group, event: Event) -> bool:
        if query_event.is_begin(event):
            group.begun = True
            return False
        statement = query_event.logged(event, self._decode, mariadb=self._mariadb).statement
        if statement.role in (Role.COMMIT, Role.ROLLBACK):
            return True
        if statement.role is Role.BEGIN:
            group.begun = True
        elif statement.role not in _TELLING_NOTHING:
            self._note(group, query_event.verb(event), statement)
        return not group.begun

    def _note(self, group: _Group, verb: str, statement: Statement) -> None:
        change = statement.change
        named = [(each.schema, each.table) for each in change.tables] if change else []
        named += statement.writes.tables
        group.statements.append((verb, tuple(dict.fromkeys(map(self._folded, named)))))
        if statement.role is Role.DATA:
            group.unclear[f"{verb} was logged as a statement"] = None
        elif statement.role is Role.UNREADABLE:
            group.unclear[f"{verb} is written in a way that cdc cannot read"] = None
        elif statement.role is Role.UNKNOWN and group.begun:
            group.unclear["a statement that cdc does not know"] = None

    def _folded(self, name: TableName) -> TableName:
        return (name[0].lower(), name[1].lower()) if self._folds_names else name

    def _strange(self, group: _Group, event: Event) -> bool:
        """Process an incident or an event that cdc does not know; outside a group it ends alone."""
        if event.type == EventType.INCIDENT:
            group.has_incident = True
            group.unclear["the source reports that changes are missing in its binlog"] = None
        elif not event.flags & events.LOG_EVENT_IGNORABLE:
            group.unclear[f"an event of type {event.type}, which tells no table"] = None
        return group.gtid is None and isinstance(self._cursor.position, FilePosition)

    # -- what ends it

    def _file(self, event: Event) -> Outline | None:
        """Go to another file: a transaction that is open then was cut off by a crash.

        It was never committed; but a part of it may be applied, and an incident ends a file.
        """
        group, inflight = self._group, self._inflight
        if group is not None and self._is_whole(group):
            if event.type == EventType.ROTATE and not event.artificial:  # a crash writes none
                group.unclear["its end is damaged"] = None
                return self._ended(event)
            if group.has_incident:
                return self._ended(event)
        if event.type == EventType.ROTATE:
            self._cursor.rotate(event)
        else:
            self._names.clear()
            self._cursor.begin_file(event, None)
        if group is None or group.gtid is None:
            return None
        self._group = None
        if inflight is None or inflight.identity != group.identity:
            return None
        group.unclear["the source crashed within it"] = None
        after = Checkpoint(self._cursor.position, None, self._server, self._cursor.witness)
        return _outline(group, after, event)

    def _ended(self, event: Event) -> Outline:
        group = self._opened(event)
        self._group = None
        after = Checkpoint(self._cursor.after(group.gtid), None, self._server, group.witness)
        return _outline(group, after, event)


def _outline(group: _Group, after: Checkpoint, event: Event) -> Outline:
    committed_at = float(event.timestamp)
    if isinstance(group.gtid, Gtid) and group.gtid.committed_at:
        committed_at = group.gtid.committed_at
    return Outline(
        identity=group.identity,
        before=group.before,
        after=after,
        committed_at=committed_at,
        rows_events=dict(group.rows_events),
        statements=tuple(group.statements),
        unclear=tuple(group.unclear),
        prepared=group.prepared,
    )


def _gtid(event: Event) -> Gtid | MariadbGtid:
    if event.type == EventType.MARIADB_GTID:
        return gtid_events.mariadb_gtid(event)
    if event.type == EventType.GTID_TAGGED:
        return gtid_events.tagged_gtid(event)
    return gtid_events.gtid(event)


_read_xid = struct.Struct("<xIII").unpack_from


def _xid(event: Event) -> Xid:
    """Read an XA_PREPARE event: a flag, the format, two lengths, and the name's two parts."""
    kind, first, second = _read_xid(event.data, HEADER_SIZE)
    at = HEADER_SIZE + 13
    return Xid(kind, event.data[at : at + first], event.data[at + first : at + first + second])


def decides(event: Event, xid: Xid) -> bool:
    """Return whether an event commits a prepared XA transaction, or rolls it back."""
    if event.type not in _QUERIES:
        return False
    statement = query_event.uncompressed(event).statement.upper()
    ends = str(xid).upper().encode()
    return statement.startswith((b"XA COMMIT ", b"XA ROLLBACK ")) and statement.endswith(ends)
