"""Events in, committed transactions out: their begin, their end and their contents.

Transactions as the servers write them (MySQL, then MariaDB):

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
    RowsEvent,
    Transaction,
)
from cdc.readers.binlog import events, gtid_events, payloads, rows, table_maps
from cdc.readers.binlog.cursor import BinlogCursor
from cdc.readers.binlog.events import HEADER_SIZE, Event, EventType
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid, MariadbGtidFlag
from cdc.readers.binlog.open_transaction import OpenTransaction
from cdc.readers.binlog.read_ahead import ReadAhead
from cdc.readers.binlog.sql import query_event
from cdc.readers.binlog.sql.followed_statements import FollowedStatements
from cdc.readers.binlog.sql.statements import Role, Statement
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.server.packets import PacketStream

DUMMY_TABLE_ID: Final = (0xFFFFFF).to_bytes(6, "little")
"""A rows event of this table id ends a statement and holds no row."""

XID_SIZE: Final = 8
"""The bytes of the number in an event that commits; rows whose type was damaged have others."""

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
        EventType.TRANSACTION_CONTEXT,
        EventType.VIEW_CHANGE,
        EventType.HEARTBEAT_V2,
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
        self._definitions = tables
        self._transaction_bytes = transaction_bytes
        self._statements = FollowedStatements(tables.follows, ignored, folds_names=folds_names)
        self._inflight = checkpoint.inflight
        self._server = checkpoint.server
        self._open: OpenTransaction | None = None
        self._tables: dict[bytes, TableMap | None] = {}  # by the ids that this transaction gives
        self._ahead = ReadAhead(self._cursor, tables, self._tables)
        self._handlers = self._handler_table()

    def _handler_table(self) -> dict[int, Callable[[Event], Transaction | None]]:
        return {
            **dict.fromkeys(_IGNORED, self._ignore),
            **dict.fromkeys(_BEFORE_TRANSACTIONS, self._advance_position),
            **dict.fromkeys(rows.KINDS, self._rows),
            EventType.ANNOTATE_ROWS: self._annotated,
            EventType.ROWS_QUERY: self._annotated,
            EventType.TABLE_MAP: self._table_map,
            EventType.GTID: self._gtid,
            EventType.ANONYMOUS_GTID: self._gtid,
            EventType.GTID_TAGGED: self._tagged_gtid,
            EventType.MARIADB_GTID: self._mariadb_gtid,
            EventType.QUERY: self._query,
            EventType.QUERY_COMPRESSED: self._any_query,
            EventType.XID: self._xid,
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
                cursor.advance(event, in_transaction=self._open is not None)
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

    def unpack(self, payload: Event) -> Iterator[Transaction]:
        """Yield the transaction that is compressed in an event, in parts if it is large.

        Raises Corrupted if events follow its end: its rows would be among them.
        """
        whole: Transaction | None = None
        for event in payloads.unpack(payload):
            if whole is not None:
                raise Corrupted(
                    "a compressed transaction ends before its last event", position=self.where
                )
            found = self.feed(event, inside_payload=True)
            if found is not None and found.checkpoint.inflight is None:
                whole = found
            elif found is not None:
                yield found
        if whole is not None:
            yield whole

    def read_ahead(self, packets: PacketStream, *, checksum: bool) -> Iterator[Delivery]:
        """Yield what can be read from `packets` at once, if a transaction may begin here."""
        if self._open is not None or self._inflight is not None:
            return iter(())
        return self._ahead.read(
            packets, checksum=checksum, transaction_bytes=self._transaction_bytes
        )

    # -- what opens a transaction

    def _gtid(self, event: Event) -> None:
        gtid = gtid_events.gtid(event)
        self._begin(event, str(gtid) if gtid.number else "", gtid, begun=False)

    def _tagged_gtid(self, event: Event) -> None:
        gtid = gtid_events.tagged_gtid(event)
        self._begin(event, str(gtid), gtid, begun=False)

    def _mariadb_gtid(self, event: Event) -> None:
        gtid = gtid_events.mariadb_gtid(event)
        self._begin(event, str(gtid), gtid, begun=MariadbGtidFlag.STANDALONE not in gtid.flags)

    def _begin(
        self, event: Event, identity: str, gtid: Gtid | MariadbGtid | None, *, begun: bool
    ) -> None:
        if self._open is not None:
            raise Corrupted(
                "a transaction begins before the one before it has ended", position=self.where
            )
        self._tables.clear()  # a statement announces the tables of its rows, whatever was before
        cursor = self._cursor
        offset = cursor.offset - event.size
        witness = cursor.witness_of(offset, event.data)
        self._open = OpenTransaction(identity or f"{cursor.file}:{offset}", gtid, begun, witness)

    # -- what stands in a transaction

    def _current(self) -> OpenTransaction:
        """Return the open transaction; raises Halted if none was seen to begin."""
        if self._open is None:
            raise Halted(
                "the position to start from is in the middle of a transaction",
                position=self._cursor.position,
                remedy="step over the rest of it: cdc position skip",
            )
        return self._open

    def _annotated(self, event: Event) -> None:
        if self._open is not None:
            self._open.date(event)

    def _table_map(self, event: Event) -> None:
        if self._open is not None:
            self._open.date(event)
        self._tables[table_maps.table_id(event)] = self._definitions.lookup(event)

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
        transaction = self._current()
        transaction.rows_events += 1
        if table is None:
            return None
        if transaction.rows_events <= transaction.delivered or transaction.is_done(self._inflight):
            return None
        change = rows.rows_event(event, table, transaction.rows_events)
        transaction.changes.append(change)
        transaction.byte_size += len(change.images)
        if transaction.byte_size <= self._transaction_bytes:
            return None
        return transaction.part(self._cursor.position, self._server)

    def _query(self, event: Event) -> Transaction | None:
        if query_event.is_begin(event):
            self._current().begun = True
            return None
        return self._any_query(event)

    def _any_query(self, event: Event) -> Transaction | None:
        logged = query_event.logged(
            event, self._definitions.decode, mariadb=self._definitions.mariadb
        )
        return self._statement(event, *logged)

    def _statement(
        self, event: Event, statement: Statement, schemas: frozenset[str] | None
    ) -> Transaction | None:
        transaction = self._current()
        transaction.date(event)
        match statement.role:
            case Role.BEGIN:
                transaction.begun = True
                return None
            case Role.COMMIT:
                return self._commit(event)
            case Role.ROLLBACK:
                transaction.undo(None, self.where)
                return self._commit(event)
            case Role.SAVEPOINT:
                transaction.save(statement.savepoint)
            case Role.ROLLBACK_TO:
                transaction.undo(statement.savepoint, self.where)
            case Role.DATA:
                self._statements.require_no_rows(statement, schemas)
            case Role.SCHEMA if not self._was_applied(transaction):
                if (change := self._statements.change(statement)) is not None:
                    transaction.changes.append(change)
            case Role.UNREADABLE:
                self._statements.require_readable(statement)
            case Role.UNKNOWN if transaction.begun:
                # it may be a kind of DML that cdc does not know
                self._statements.require_no_rows(statement, schemas)
            case Role.UNKNOWN:
                self._require_alone(transaction)  # or it was a BEGIN
            case _:
                pass
        return None if transaction.begun else self._commit(event)

    def _require_alone(self, transaction: OpenTransaction) -> None:
        """Raise Corrupted if a statement without BEGIN does not end its transaction, by its size.

        It would be delivered without its rows, and the position moved behind them.
        """
        size = gtid_events.transaction_size(transaction.witness.event)
        if size and size != self._cursor.offset - transaction.witness.offset:
            raise Corrupted(
                "a statement that is not BEGIN begins a transaction of more events",
                position=self.where,
            )

    def _was_applied(self, transaction: OpenTransaction) -> bool:
        """Return whether a part was applied before: its statements too, which stand before rows."""
        return self._inflight is not None and self._inflight.identity == transaction.identity

    # -- what closes a transaction

    def _xid(self, event: Event) -> Transaction:
        if len(event.data) != HEADER_SIZE + XID_SIZE:
            raise Corrupted("a commit is of another size than a number", position=self.where)
        return self._commit(event)

    def _commit(self, event: Event) -> Transaction:
        done = self._current()
        done.date(event)
        self._open = self._inflight = None
        committed_at, changes = done.committed_at(event), tuple(done.changes)
        whole = self._cursor.commit(
            done.identity, done.gtid, done.witness, committed_at, changes, done.begun_at
        )
        return whole._replace(delivered=done.delivered) if done.delivered else whole

    def _xa_prepare(self, event: Event) -> Transaction:
        changes = self._current().changes
        if not events.is_one_phase(event) and (changes or self._current().delivered):
            raise RefusedEvent(
                "an XA transaction that touches a followed table was prepared: its outcome is"
                " decided later, under another GTID",
                position=self.where,
                table=next((c.table.name for c in changes if isinstance(c, RowsEvent)), None),
                remedy="do not change followed tables in XA transactions; once it is committed or"
                " rolled back, step over it: cdc position skip",
            )
        return self._commit(event)

    # -- what stands between transactions

    def _rotate(self, event: Event) -> Transaction | None:
        if self._open is not None and not event.artificial:  # a crash writes no such event
            raise Corrupted("a binlog file ends within a transaction", position=self.where)
        moved = self._cursor.rotate(event)
        if moved is not None:
            self._drop_unfinished()
        return moved

    def _format_description(self, event: Event) -> Transaction | None:
        self._drop_unfinished()
        self._tables.clear()
        self._definitions.written_by(events.server_version(event.data))
        return self._cursor.begin_file(event, self._inflight)

    def _drop_unfinished(self) -> None:
        """Forget a transaction that a crash of the source cut off: it was never committed."""
        if self._open is not None and self._open.delivered:
            raise RefusedEvent(
                "the source crashed inside a transaction of which a part is applied already",
                position=self.where,
                remedy="step over it: cdc position skip",
            )
        self._open = None

    def _ignore(self, _: Event) -> None:
        return None

    def _advance_position(self, event: Event) -> Transaction | None:
        if self._open is not None:
            return None
        return self._cursor.move_past(event, self._inflight)

    # -- what stops the stream

    def _incident(self, event: Event) -> NoReturn:
        raise RefusedEvent(
            f"the source reports that its binlog misses changes: {events.incident(event)}",
            position=self.where,
            remedy="its error log says why; step over it, which resyncs every table:"
            " cdc position skip",
        )
