"""Events in, committed transactions out: where a transaction begins, ends and what it holds.

The groups as the servers write them (MySQL, then MariaDB):

    GTID  Query(BEGIN)  (TableMap Rows…)…  Xid | Query(COMMIT)          a transaction
    GTID  Query(BEGIN)  Query(CREATE TABLE … START TRANSACTION)  TableMap Rows…  Xid
    GTID  Query(XA START)  (TableMap Rows…)…  Query(XA END)  XaPrepare   a prepared transaction
    GTID  Query(ALTER TABLE …)                                           a statement on its own
    GTID  TransactionPayload(Query(BEGIN) … Xid)                         a compressed transaction

    Gtid             (TableMap Rows…)…  Xid | Query(COMMIT)             a transaction
    Gtid(standalone) Query(ALTER TABLE …)                                a statement on its own
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from cdc.changes import RowsEvent, SchemaChange, TableChange, Transaction
from cdc.checkpoint import Checkpoint, Inflight
from cdc.columns import TableMap
from cdc.errors import CdcError, Corrupted, Halted, RefusedEvent, UnknownEvent
from cdc.position import (
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    set_command,
)
from cdc.readers import events, rows, table_maps
from cdc.readers.events import Event, EventType, Gtid, MariadbGtid, MariadbGtidFlag, Query
from cdc.readers.statements import Role, Statement, classify
from cdc.readers.table_maps import TableMapCache

DUMMY_TABLE_ID: Final = (0xFFFFFF).to_bytes(6, "little")
"""A rows event of this table id ends a statement and holds no row."""

_PASSED_OVER: Final = frozenset(
    {
        EventType.STOP,
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
        EventType.HEARTBEAT,
        EventType.IGNORABLE,
        EventType.ROWS_QUERY,
        EventType.TRANSACTION_CONTEXT,
        EventType.VIEW_CHANGE,
        EventType.HEARTBEAT_V2,
        EventType.ANNOTATE_ROWS,
        EventType.START_ENCRYPTION,
    }
)
_BEFORE_TRANSACTIONS: Final = frozenset(
    {EventType.PREVIOUS_GTIDS, EventType.GTID_LIST, EventType.BINLOG_CHECKPOINT}
)
"""What a file begins with, behind its format; MariaDB writes the last one at any time."""
_OUTSIDE_THE_FILE: Final = frozenset({EventType.HEARTBEAT, EventType.HEARTBEAT_V2})

_new = tuple.__new__  # what a NamedTuple's own constructor ends in, at two thirds of its cost


@dataclass(slots=True)
class _Group:
    """The transaction being read."""

    identity: str
    gtid: Gtid | MariadbGtid | None
    begun: bool
    changes: list[RowsEvent | SchemaChange] = field(default_factory=list)
    byte_size: int = 0
    rows_events: int = 0
    delivered: int = 0
    savepoints: dict[str, int] = field(default_factory=dict)


class Assembler:
    """Turns one connection's events into transactions, starting at `checkpoint`.

    `follows(schema, table)` says whose rows are wanted; other tables' are left out, but each
    transaction is delivered, for it moves the position. One whose rows take more than
    `transaction_bytes` is delivered in parts. What the checkpoint holds in flight is left out.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        tables: TableMapCache,
        transaction_bytes: int,
        folds_names: bool = False,
    ) -> None:
        position = checkpoint.position
        self.position = position
        self._cache = tables
        self._follows = tables.follows
        self._transaction_bytes = transaction_bytes
        self._folds_names = folds_names
        self._inflight = checkpoint.inflight
        self._server = checkpoint.server
        self._group: _Group | None = None
        self._tables: dict[bytes, TableMap | None] = {}
        self._file, self._offset, self._created = "", 0, 0
        if isinstance(position, FilePosition):
            self._file, self._offset = position.file, position.offset
            self._created = position.created
        self._handlers = self._handler_table()

    def _handler_table(self) -> dict[int, Callable[[Event], Transaction | None]]:
        return {
            **dict.fromkeys(_PASSED_OVER, self._pass_over),
            **dict.fromkeys(_BEFORE_TRANSACTIONS, self._step_over),
            **dict.fromkeys(rows.KINDS, self._rows),
            EventType.TABLE_MAP: self._table_map,
            EventType.GTID: self._gtid,
            EventType.ANONYMOUS_GTID: self._gtid,
            EventType.GTID_TAGGED: self._tagged_gtid,
            EventType.MARIADB_GTID: self._mariadb_gtid,
            EventType.QUERY: self._query,
            EventType.QUERY_COMPRESSED: self._compressed_query,
            EventType.XID: self._commit,
            EventType.XA_PREPARE: self._xa_prepare,
            EventType.ROTATE: self._rotate,
            EventType.FORMAT_DESCRIPTION: self._format_description,
            EventType.TRANSACTION_PAYLOAD: self._pass_over,
            EventType.INCIDENT: self._incident,
            EventType.BEGIN_LOAD_QUERY: self._statement_data,
            EventType.EXECUTE_LOAD_QUERY: self._statement_data,
            EventType.APPEND_BLOCK: self._statement_data,
            EventType.DELETE_FILE: self._statement_data,
        }

    @property
    def where(self) -> str:
        """Where the last event ended, for messages: file and offset."""
        return f"{self._file}:{self._offset}"

    def feed(self, event: Event, *, inside_payload: bool = False) -> Transaction | None:
        """Take the next event; return the transaction, or the part of one, that it completes."""
        _, kind, _, size, end, flags, _ = event
        if not inside_payload:
            if end == self._offset + size and not flags & events.LOG_EVENT_ARTIFICIAL:
                self._offset = end
            else:
                self._advance(event)
        handler = self._handlers.get(kind)
        if handler is None:
            self._unknown(event)
            return None
        try:
            return handler(event)
        except CdcError as error:
            error.position = error.position or self.where
            raise
        except (ArithmeticError, LookupError, ValueError, struct.error) as error:
            raise Corrupted(
                f"an event of type {kind} cannot be read: {error!r}", position=self.where
            ) from error

    def _unknown(self, event: Event) -> None:
        if not event.flags & events.LOG_EVENT_IGNORABLE:
            raise UnknownEvent(
                f"event type {event.type} is not known to cdc",
                position=self.where,
                remedy="upgrade cdc, or turn off the feature of the source that writes it",
            )

    def _advance(self, event: Event) -> None:
        """Follow the offset by event sizes: headers hold only its lowest 32 bits, or 0.

        MariaDB from 11.4 on writes 0 inside transactions; made-up events are not in the file.
        """
        if event.flags & events.LOG_EVENT_ARTIFICIAL or event.type in _OUTSIDE_THE_FILE:
            return
        if event.end == 0 and self._group is None:
            return
        expected = self._offset + event.size
        self._offset = expected if event.end in (0, expected & 0xFFFFFFFF) else event.end

    # -- what opens a group

    def _gtid(self, event: Event) -> None:
        gtid = events.gtid(event)
        self._open(event, str(gtid) if gtid.number else "", gtid, begun=False)

    def _tagged_gtid(self, event: Event) -> None:
        gtid = events.tagged_gtid(event)
        self._open(event, str(gtid), gtid, begun=False)

    def _mariadb_gtid(self, event: Event) -> None:
        gtid = events.mariadb_gtid(event)
        self._open(event, str(gtid), gtid, begun=MariadbGtidFlag.STANDALONE not in gtid.flags)

    def _open(
        self, event: Event, identity: str, gtid: Gtid | MariadbGtid | None, *, begun: bool
    ) -> None:
        if self._group is not None:
            raise Corrupted(
                "a transaction begins before the one before it has ended", position=self.where
            )
        self._group = _Group(identity or f"{self._file}:{self._offset - event.size}", gtid, begun)

    # -- what stands in a group

    def _opened(self) -> _Group:
        if self._group is None:
            raise Halted(
                "the position to start from is in the middle of a transaction",
                position=self.position,
                remedy="set the position to a transaction's boundary: cdc position set",
            )
        return self._group

    def _table_map(self, event: Event) -> None:
        self._tables[table_maps.table_id(event)] = self._cache.lookup(event)

    def _rows(self, event: Event) -> Transaction | None:
        table_id = rows.table_id(event)
        try:
            table = self._tables[table_id]
        except KeyError:
            if table_id == DUMMY_TABLE_ID:
                return None
            raise Corrupted(
                f"a rows event names table {int.from_bytes(table_id, 'little')}, which no table"
                " map announced",
                position=self.where,
            ) from None
        group = self._opened()
        group.rows_events += 1
        if table is None:
            return None
        if group.rows_events <= group.delivered or self._is_done(group):
            return None
        change = rows.rows_event(event, table, group.rows_events)
        group.changes.append(change)
        group.byte_size += len(change.images)
        return self._part(group, event) if group.byte_size > self._transaction_bytes else None

    def _is_done(self, group: _Group) -> bool:
        """Tell whether the group's latest rows event was applied before this connection."""
        inflight = self._inflight
        if inflight is None or inflight.identity != group.identity:
            return False
        group.delivered = inflight.rows_events
        return group.rows_events <= group.delivered

    def _part(self, group: _Group, event: Event) -> Transaction:
        inflight = Inflight(group.identity, group.rows_events)
        part = Transaction(
            identity=group.identity,
            before=self.position,
            checkpoint=Checkpoint(self.position, inflight, self._server),
            committed_at=_committed_at(group, event),
            changes=tuple(group.changes),
        )
        group.delivered = group.rows_events
        group.changes.clear()
        group.savepoints.clear()
        group.byte_size = 0
        return part

    def _compressed_query(self, event: Event) -> Transaction | None:
        query = events.query(event)
        query = query._replace(statement=rows.uncompress(query.statement))
        return self._statement(event, classify(self._utf8(query), query.schema))

    def _query(self, event: Event) -> Transaction | None:
        query = events.query(event)
        return self._statement(event, classify(self._utf8(query), query.schema))

    def _utf8(self, query: Query) -> bytes:
        """Return a statement, which is logged in its client's charset, as UTF-8."""
        statement = query.statement
        if statement.isascii() or not (collation := query.collation):
            return statement
        try:
            return self._cache.decode(statement, collation).encode()
        except (UnicodeDecodeError, RefusedEvent):
            return statement

    def _statement(self, event: Event, statement: Statement) -> Transaction | None:
        group = self._opened()
        match statement.role:
            case Role.BEGIN:
                group.begun = True
                return None
            case Role.COMMIT:
                return self._commit(event)
            case Role.ROLLBACK:
                self._undo(group, 0)
                return self._commit(event)
            case Role.SAVEPOINT:
                group.savepoints[statement.savepoint.casefold()] = len(group.changes)
            case Role.ROLLBACK_TO:
                self._undo(group, group.savepoints.get(statement.savepoint.casefold()))
            case Role.DATA:
                return self._statement_data(event)
            case Role.SCHEMA if statement.change is not None:
                self._schema_change(group, statement.change)
            case Role.UNREADABLE:
                self._unreadable(group, statement)
            case Role.UNKNOWN if group.begun:  # it may be a kind of DML that cdc does not know
                return self._statement_data(event)
            case _:
                pass
        return None if group.begun else self._commit(event)

    def _undo(self, group: _Group, kept: int | None) -> None:
        if kept is None or group.delivered:
            raise RefusedEvent(
                "a transaction too large to hold was rolled back after a part of it was applied",
                position=self.where,
                remedy="raise apply.transaction_bytes and resync the tables that it touched",
            )
        del group.changes[kept:]

    def _schema_change(self, group: _Group, change: SchemaChange) -> None:
        """Note what happens to followed tables, unless that was applied with a part before."""
        if self._inflight is not None and self._inflight.identity == group.identity:
            return
        tables = tuple(
            table
            for table in map(self._folded, change.tables)
            if self._follows(table.schema, table.table)
        )
        if tables:
            group.changes.append(change._replace(tables=tables))

    def _folded(self, table: TableChange) -> TableChange:
        if not self._folds_names:
            return table
        return table._replace(schema=table.schema.lower(), table=table.table.lower())

    def _unreadable(self, group: _Group, statement: Statement) -> None:
        """Stop where a statement that cannot be read may be about a followed table."""
        names = [".".join(name) for name in statement.names if self._follows(*name)]
        if not names:
            return
        raise RefusedEvent(
            "a statement about tables cannot be read, and may be about a followed one",
            position=self.where,
            table=", ".join(dict.fromkeys(names)),
            remedy=f"look at it with SHOW BINLOG EVENTS, carry out by hand what it means for the"
            f" collection, and step over it{self._stepping_over(group)}",
        )

    def _stepping_over(self, group: _Group) -> str:
        """Return the command for it; without GTIDs the end of the transaction is not known yet."""
        if isinstance(self.position, FilePosition):
            return ": cdc position set, with the file and the offset behind the transaction"
        return f": {set_command(self._after(group))}"

    # -- what closes a group

    def _commit(self, event: Event) -> Transaction:
        group = self._opened()
        before, self.position = self.position, self._after(group)
        self._group = self._inflight = None
        checkpoint = _new(Checkpoint, (self.position, None, self._server))
        committed_at, changes = _committed_at(group, event), tuple(group.changes)
        return _new(Transaction, (group.identity, before, checkpoint, committed_at, changes))

    def _after(self, group: _Group) -> Position:
        if isinstance(self.position, FilePosition):
            return FilePosition(self._file, self._offset, self._created)
        gtids, gtid = self.position.gtids, group.gtid
        if isinstance(gtids, GtidSet) and isinstance(gtid, Gtid) and (number := gtid.number):
            return GtidPosition(gtids.with_interval(gtid.source, number, number))
        if isinstance(gtids, MariadbGtids) and isinstance(gtid, MariadbGtid):
            return GtidPosition(gtids.advanced(*gtid[:3]))
        raise RefusedEvent(
            "a transaction without a GTID in a stream that is positioned by GTIDs",
            position=self.where,
            remedy="SET GLOBAL gtid_mode = ON on the source, then resync",
        )

    def _xa_prepare(self, event: Event) -> Transaction:
        group = self._opened()
        if not events.is_one_phase(event) and (group.changes or group.delivered):
            raise RefusedEvent(
                "an XA transaction that touches a followed table was prepared: its outcome is"
                " decided later, under another GTID",
                position=self.where,
                table=next((c.table.name for c in group.changes if isinstance(c, RowsEvent)), None),
                remedy="do not change followed tables in XA transactions; once it is committed or"
                f" rolled back, step over it and resync them{self._stepping_over(group)}",
            )
        return self._commit(event)

    # -- what stands between groups

    def _rotate(self, event: Event) -> Transaction | None:
        file, offset = events.rotate(event)
        moved = file != self._file and self._file != ""
        self._file, self._offset = file, offset
        if moved:
            self._created = 0
        if not isinstance(self.position, FilePosition) or (event.artificial and not moved):
            return None
        self._drop_unfinished()
        before, self.position = self.position, FilePosition(file, offset)
        checkpoint = Checkpoint(self.position, None, self._server)
        return Transaction("", before, checkpoint, float(event.timestamp or time.time()))

    def _format_description(self, event: Event) -> Transaction | None:
        """Note when the file was made: another one of its name is then told apart."""
        self._drop_unfinished()
        self._tables.clear()
        self._created = created = event.timestamp
        position = self.position
        if not isinstance(position, FilePosition) or position.file != self._file:
            return None
        if position.created == created:
            return None
        if position.created:
            raise Halted(
                f"binlog {self._file} was created anew: the source's log was reset",
                position=position,
                remedy="resync the tables, or set another position: cdc position set",
            )
        self.position = FilePosition(position.file, position.offset, created)
        checkpoint = Checkpoint(self.position, self._inflight, self._server)
        return Transaction("", position, checkpoint, float(created))

    def _drop_unfinished(self) -> None:
        """Forget a transaction that a crash of the source cut off: it was never committed."""
        if self._group is not None and self._group.delivered:
            raise RefusedEvent(
                "the source crashed inside a transaction of which a part is applied already",
                position=self.where,
                remedy="resync the tables that it touched",
            )
        self._group = None

    def _pass_over(self, _: Event) -> None:
        return None

    def _step_over(self, event: Event) -> Transaction | None:
        """Move a file position behind an event that stands between transactions.

        The end of the log that an idle source tells lies behind it, and must be reached.
        """
        before = self.position
        if self._group is not None or not isinstance(before, FilePosition):
            return None
        if before.file != self._file or before.offset >= self._offset:
            return None
        self.position = FilePosition(self._file, self._offset, self._created or before.created)
        checkpoint = Checkpoint(self.position, self._inflight, self._server)
        return Transaction("", before, checkpoint, float(event.timestamp or time.time()))

    # -- what stops the stream

    def _statement_data(self, event: Event) -> NoReturn:
        raise RefusedEvent(
            "a data change was logged as a statement, not as rows",
            position=self.where,
            remedy="SET GLOBAL binlog_format = ROW on the source, let no session override it;"
            " step over this one and resync the tables that it changed"
            f"{self._stepping_over(self._opened())}",
        )

    def _incident(self, event: Event) -> NoReturn:
        raise RefusedEvent(
            f"the source reports that its binlog misses changes: {events.incident(event)}",
            position=self.where,
            remedy="resync every table, then set the position after it: cdc position set",
        )


def _committed_at(group: _Group, event: Event) -> float:
    gtid = group.gtid
    if isinstance(gtid, Gtid) and gtid.committed_at:
        return gtid.committed_at
    return float(event.timestamp)
