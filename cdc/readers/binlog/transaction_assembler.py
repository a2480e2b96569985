"""Events in, committed transactions out: their begin, their end and their contents.

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
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NoReturn

from cdc.errors import CdcError, Corrupted, Halted, RefusedEvent, UnknownEvent
from cdc.model.checkpoint import Checkpoint
from cdc.model.table_map import TableMap
from cdc.model.transaction import (
    Delivery,
    Effect,
    RowsEvent,
    SchemaChange,
    TableChange,
    Transaction,
)
from cdc.readers.binlog import events, gtid_events, rows, table_maps
from cdc.readers.binlog.cursor import BinlogCursor
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.open_transaction import OpenTransaction
from cdc.readers.binlog.read_ahead import ReadAhead
from cdc.readers.binlog.sql import query_event
from cdc.readers.binlog.sql.data_statements import DataStatements
from cdc.readers.binlog.sql.statements import Role, Statement
from cdc.readers.binlog.sql.written_tables import Writes
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.server.packets import PacketStream

DUMMY_TABLE_ID: Final = (0xFFFFFF).to_bytes(6, "little")
"""A rows event of this table id ends a statement and holds no row."""

_IGNORED: Final = frozenset(
    {
        EventType.STOP,
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
        EventType.BEGIN_LOAD_QUERY,
        EventType.APPEND_BLOCK,
        EventType.DELETE_FILE,
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
"""Events that begin a file, after its format; MariaDB writes the last one at any time."""


class TransactionAssembler:
    """Turns one connection's events into transactions, starting at `checkpoint`.

    `tables` knows which tables are followed. Rows of others are left out, but each transaction is
    delivered: it moves the position. A transaction whose rows exceed `transaction_bytes` is
    delivered in parts. Rows events that the checkpoint has in flight are left out.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        tables: TableMapCache,
        transaction_bytes: int,
        folds_names: bool = False,
        ignored: Iterable[str] = (),
    ) -> None:
        """`ignored` are patterns of tables: statements that write to these alone do not matter."""
        self._cursor = BinlogCursor(checkpoint)
        self._cache = tables
        self._follows = tables.follows
        self._transaction_bytes = transaction_bytes
        self._folds_names = folds_names
        self._data_statements = DataStatements(tables.follows, ignored, folds_names=folds_names)
        self._inflight = checkpoint.inflight
        self._server = checkpoint.server
        self._group: OpenTransaction | None = None
        self._tables: dict[bytes, TableMap | None] = {}
        self._ahead = ReadAhead(self._cursor, tables, self._tables)
        self._handlers = self._handler_table()

    def _handler_table(self) -> dict[int, Callable[[Event], Transaction | None]]:
        return {
            **dict.fromkeys(_IGNORED, self._ignore),
            **dict.fromkeys(_BEFORE_TRANSACTIONS, self._advance_position),
            **dict.fromkeys(rows.KINDS, self._rows),
            EventType.TABLE_MAP: self._table_map,
            EventType.GTID: self._gtid,
            EventType.ANONYMOUS_GTID: self._gtid,
            EventType.GTID_TAGGED: self._tagged_gtid,
            EventType.MARIADB_GTID: self._mariadb_gtid,
            EventType.QUERY: self._query,
            EventType.QUERY_COMPRESSED: self._any_query,
            EventType.XID: self._commit,
            EventType.XA_PREPARE: self._xa_prepare,
            EventType.ROTATE: self._rotate,
            EventType.FORMAT_DESCRIPTION: self._format_description,
            EventType.TRANSACTION_PAYLOAD: self._ignore,
            EventType.INCIDENT: self._incident,
            EventType.EXECUTE_LOAD_QUERY: self._any_query,
        }

    @property
    def place(self) -> tuple[str, int]:
        """Return the end of the last event: file and offset."""
        return self._cursor.file, self._cursor.offset

    @property
    def where(self) -> str:
        """The end of the last event, for messages: file and offset."""
        return str(self._cursor)

    def feed(self, event: Event, *, inside_payload: bool = False) -> Transaction | None:
        """Process the next event; return the transaction, or part of one, that it completes."""
        _, kind, _, size, end, flags, _ = event
        if not inside_payload:
            cursor = self._cursor
            if end == cursor.offset + size and not flags & events.LOG_EVENT_ARTIFICIAL:
                cursor.offset = end
            else:
                cursor.advance(event, in_group=self._group is not None)
        handler = self._handlers.get(kind)
        if handler is None:
            self._unknown(event)
            return None
        try:
            return handler(event)
        except CdcError as error:
            error.position = error.position or self.where
            if isinstance(error, RefusedEvent):
                error.remedy = error.remedy or "step over it: cdc position skip"
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
                remedy="upgrade cdc, or turn off the feature of the source that writes it, and"
                " step over this one: cdc position skip",
            )

    def read_ahead(self, packets: PacketStream, *, checksum: bool) -> Iterator[Delivery]:
        """Yield what can be read from `packets` at once, if a transaction may begin here."""
        if self._group is not None or self._inflight is not None:
            return iter(())
        return self._ahead.read(
            packets, checksum=checksum, transaction_bytes=self._transaction_bytes
        )

    # -- what opens a group

    def _gtid(self, event: Event) -> None:
        gtid = gtid_events.gtid(event)
        self._open(event, str(gtid) if gtid.number else "", gtid, begun=False)

    def _tagged_gtid(self, event: Event) -> None:
        gtid = gtid_events.tagged_gtid(event)
        self._open(event, str(gtid), gtid, begun=False)

    def _mariadb_gtid(self, event: Event) -> None:
        gtid = gtid_events.mariadb_gtid(event)
        self._open(event, str(gtid), gtid, begun=MariadbGtidFlag.STANDALONE not in gtid.flags)

    def _open(
        self, event: Event, identity: str, gtid: Gtid | MariadbGtid | None, *, begun: bool
    ) -> None:
        if self._group is not None:
            raise Corrupted(
                "a transaction begins before the one before it has ended", position=self.where
            )
        cursor = self._cursor
        offset = cursor.offset - event.size
        witness = cursor.witness_of(offset, event.data)
        self._group = OpenTransaction(identity or f"{cursor.file}:{offset}", gtid, begun, witness)

    # -- what stands in a group

    def _opened(self) -> OpenTransaction:
        if self._group is None:
            raise Halted(
                "the position to start from is in the middle of a transaction",
                position=self._cursor.position,
                remedy="step over the rest of it: cdc position skip",
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
        if group.rows_events <= group.delivered or group.is_done(self._inflight):
            return None
        change = rows.rows_event(event, table, group.rows_events)
        group.changes.append(change)
        group.byte_size += len(change.images)
        if group.byte_size <= self._transaction_bytes:
            return None
        return group.part(event, self._cursor.position, self._server)

    def _query(self, event: Event) -> Transaction | None:
        if query_event.is_begin(event):
            self._opened().begun = True
            return None
        return self._any_query(event)

    def _any_query(self, event: Event) -> Transaction | None:
        logged = query_event.logged(event, self._cache.decode, mariadb=self._cache.mariadb)
        return self._statement(event, *logged)

    def _statement(
        self, event: Event, statement: Statement, schemas: frozenset[str] | None
    ) -> Transaction | None:
        group = self._opened()
        match statement.role:
            case Role.BEGIN:
                group.begun = True
                return None
            case Role.COMMIT:
                return self._commit(event)
            case Role.ROLLBACK:
                group.undo(None, self.where)
                return self._commit(event)
            case Role.SAVEPOINT:
                group.save(statement.savepoint)
            case Role.ROLLBACK_TO:
                group.undo(statement.savepoint, self.where)
            case Role.DATA:
                self._statement_data(statement.writes, schemas)
            case Role.SCHEMA if statement.change is not None:
                self._schema_change(group, statement.change, fills=statement.fills)
            case Role.UNREADABLE:
                self._unreadable(statement)
            case Role.UNKNOWN if group.begun:  # it may be a kind of DML that cdc does not know
                self._statement_data(statement.writes, schemas)
            case _:
                pass
        return None if group.begun else self._commit(event)

    def _schema_change(self, group: OpenTransaction, change: SchemaChange, *, fills: bool) -> None:
        """Note what happens to followed tables, unless an earlier part applied it."""
        if self._inflight is not None and self._inflight.identity == group.identity:
            return
        named = tuple(map(self._folded, change.tables))
        stay = {each[:2] for each in named if each.effect is Effect.BROUGHT_IN}
        tables = tuple(
            each
            for each in named
            if self._follows(each.schema, each.table)
            and not (each.effect is Effect.REMOVED and each[:2] in stay)  # t RENAME TO T
        )
        if tables and fills:
            raise self._logged_as_statement(tables[0].name)
        if tables:
            group.changes.append(change._replace(tables=tables))

    def _folded(self, table: TableChange) -> TableChange:
        if not self._folds_names:
            return table
        return table._replace(schema=table.schema.lower(), table=table.table.lower())

    def _unreadable(self, statement: Statement) -> None:
        """Stop if a statement that cannot be read may be about a followed table."""
        names = [".".join(name) for name in statement.names if self._follows(*name)]
        if not names:
            return
        raise RefusedEvent(
            "a statement about tables cannot be read, and may be about a followed one",
            position=self.where,
            table=", ".join(dict.fromkeys(names)),
            remedy="look at it with SHOW BINLOG EVENTS, then step over it: cdc position skip",
        )

    # -- what closes a group

    def _commit(self, event: Event) -> Transaction:
        group = self._opened()
        self._group = self._inflight = None
        committed_at, changes = group.committed_at(event), tuple(group.changes)
        return self._cursor.commit(group.identity, group.gtid, group.witness, committed_at, changes)

    def _xa_prepare(self, event: Event) -> Transaction:
        group = self._opened()
        if not events.is_one_phase(event) and (group.changes or group.delivered):
            raise RefusedEvent(
                "an XA transaction that touches a followed table was prepared: its outcome is"
                " decided later, under another GTID",
                position=self.where,
                table=next((c.table.name for c in group.changes if isinstance(c, RowsEvent)), None),
                remedy="do not change followed tables in XA transactions; once it is committed or"
                " rolled back, step over it: cdc position skip",
            )
        return self._commit(event)

    # -- what stands between groups

    def _rotate(self, event: Event) -> Transaction | None:
        moved = self._cursor.rotate(event)
        if moved is not None:
            self._drop_unfinished()
        return moved

    def _format_description(self, event: Event) -> Transaction | None:
        self._drop_unfinished()
        self._tables.clear()
        self._cache.written_by(events.server_version(event.data))
        return self._cursor.begin_file(event, self._inflight)

    def _drop_unfinished(self) -> None:
        """Forget a transaction that a crash of the source cut off: it was never committed."""
        if self._group is not None and self._group.delivered:
            raise RefusedEvent(
                "the source crashed inside a transaction of which a part is applied already",
                position=self.where,
                remedy="step over it: cdc position skip",
            )
        self._group = None

    def _ignore(self, _: Event) -> None:
        return None

    def _advance_position(self, event: Event) -> Transaction | None:
        if self._group is not None:
            return None
        return self._cursor.move_past(event, self._inflight)

    # -- what stops the stream

    def _statement_data(self, writes: Writes, schemas: frozenset[str] | None) -> None:
        """Stop if a statement may have changed followed tables; pass over it if it cannot."""
        concern = self._data_statements.concern(writes, schemas)
        if concern is not None:
            raise self._logged_as_statement(*concern)

    def _logged_as_statement(self, tables: str, or_else: str = "") -> RefusedEvent:
        return RefusedEvent(
            "a data change was logged as a statement, not as rows",
            position=self.where,
            table=tables or None,
            remedy="run on the source: SET GLOBAL binlog_format = ROW; let no session override it;"
            f" then step over this one: cdc position skip{or_else}",
        )

    def _incident(self, event: Event) -> NoReturn:
        raise RefusedEvent(
            f"the source reports that its binlog misses changes: {events.incident(event)}",
            position=self.where,
            remedy="its error log says why; step over it, which resyncs every table:"
            " cdc position skip",
        )
