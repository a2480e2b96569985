"""Reads ranges of a table's rows by SELECT between watermarks, as the binlog's row images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pymysql.constants import ER

from cdc.errors import CdcError, Fatal, Retryable, Unfit, UsageError
from cdc.model.position import FilePosition, MariadbGtids, Position
from cdc.model.transaction import RowsEvent, RowsKind
from cdc.readers.select import key_ranges, prepared, watermarks
from cdc.readers.select.keys import Key
from cdc.readers.select.search_keys import search_key
from cdc.readers.select.select_table import PRIMARY, SelectTable, TableKey
from cdc.readers.select.table_lookup import definition, describe
from cdc.readers.server.connection import (
    SourceConnection,
    close_connection,
    connect_source,
    is_mariadb,
)
from cdc.readers.server.facts import server_version
from cdc.readers.server.position_check import server_identity
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from cdc.config import SourceConfig

QUERY_SECONDS: Final = 60.0
CHUNK_BYTES: Final = 8 << 20
"""Row images beyond which a chunk ends early."""
LOOKUP_KEYS: Final = 500
"""The most keys of one lookup statement."""
FIRST_LOOKUP_KEYS: Final = 32
"""The keys of the first lookup statement: its rows may be larger than those read last."""
MARGIN: Final = 1.5
"""A chunk requests so many times the rows that its bytes should hold, by the one before."""

_MISSING: Final = frozenset(
    {ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR, ER.BAD_FIELD_ERROR, ER.KEY_DOES_NOT_EXITS}
)
"""The server's errors for something that does not exist, now or ever."""
_CHANGED_SINCE_SNAPSHOT: Final = 1412


class TableChanged(Retryable):
    """The table's definition has changed since it was opened: open it again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a range of the key.

    `event` holds them as a rows event of inserts, over the table's map as SELECT shows it. `last`
    is the last key of the range, the cursor to continue behind; None if there was nothing.
    `finished`: no row was behind it, within the requested limits. `keys` counts the keys that a
    lookup covered, from the first on. Apply the chunk once the stream has passed `high`.
    """

    event: RowsEvent
    rows: int
    last: Key | None
    finished: bool
    high: Position
    keys: int = 0


class ChunkReader:
    """Reads chunks on a session of its own, which it reopens when lost.

    Not thread-safe. Every method raises Retryable if the source cannot be reached (TooEarly if it
    only lags behind `applied`; TableChanged if the table must be opened again), Unfit and Halted if
    an operator must act.
    """

    def __init__(
        self,
        source: SourceConfig | Callable[[], SourceConfig],
        *,
        allow_brief_lock: bool = False,
        accept: Callable[[SourceConnection, str], None] | None = None,
    ) -> None:
        """`allow_brief_lock`: with file positions MySQL needs a lock for an instant.

        `accept` judges each session, with the server's identity; it raises what refuses it. If
        `source` is a function, each chunk is read on the host that it returns then.
        """
        self._accept = accept
        self._source = source if callable(source) else (lambda: source)
        self._allow_brief_lock = allow_brief_lock
        self._connection: SourceConnection | None = None
        self._second: SourceConnection | None = None
        self._bytes_a_row: dict[str, float] = {}
        self.server = ""

    def __repr__(self) -> str:
        state = "connected" if self._connection is not None else "disconnected"
        return f"<ChunkReader {self.server or 'of no server yet'} ({state})>"

    def close(self) -> None:
        """Drop the session; the next call opens another."""
        for connection in (self._connection, self._second):
            if connection is not None:
                close_connection(connection)
        self._connection = self._second = None

    def open(self, schema: str, table: str, id_columns: Sequence[str] = ()) -> SelectTable:
        """Describe a table and choose its key.

        Without a primary key, a unique key over `id_columns`, those of a mapping's id, is
        preferred. Raises Unfit if no key serves.
        """
        with self._reconnecting():
            found = describe(self._connected(), schema, table)
        return found if found.by.index == PRIMARY else found.found_by(id_columns) or found

    def read(
        self,
        table: SelectTable,
        *,
        after: Key | None,
        until: Key | None,
        limit: int,
        first: Key | None = None,
        where: str | None = None,
        applied: Position,
    ) -> Chunk:
        """Read the rows behind `after`, or from `first` on, up to `until`, in the key's order.

        Ends behind `limit` rows, or as soon as the rows take some megabytes. With `where`, a
        condition in SQL, `limit` counts the rows that are examined.
        """
        with self._reconnecting(table), self._window(table, applied) as high:
            conditions = [key_ranges.behind(table.key, after)] if after is not None else []
            if first is not None and after is None:
                conditions.append(key_ranges.from_(table.key, first))
            end = until
            bound = self._bound(table, conditions, until, limit) if where else None
            if bound is not None:
                end = bound
            if end is not None:
                conditions.append(key_ranges.up_to(table.key, end))
            asked = limit if where else self._asked(table, limit)
            found, images = self._select(table, _and(conditions, where), asked, ordered=True)
            finished = bound is None and found.complete and found.count < asked
            last = table.read_key(found.last) if found.last is not None else None
            if bound is not None and found.complete and found.count < asked:
                last = bound  # the rest of a full chunk may have come since its end was looked up
            return self._chunk(table, found.count, images, last, finished=finished, high=high)

    def end_of(
        self, table: SelectTable, *, after: Key | None, rows: int, applied: Position
    ) -> tuple[Key | None, bool]:
        """Return the key of the last of `rows` rows behind `after`, or of the last of fewer.

        None if there is none; and whether it is the table's last one, at a moment that holds
        `applied`.
        """
        with self._reconnecting(table), self._window(table, applied):
            conditions = [key_ranges.behind(table.key, after)] if after is not None else []
            bound = self._bound(table, conditions, None, rows)
            if bound is not None:
                return bound, False
            tail = f"{key_ranges.order(table.key, ' DESC')} LIMIT 1"
            return self._key(table, _and(conditions, None), tail), True

    def lookup(self, table: SelectTable, keys: Sequence[Key], *, applied: Position) -> Chunk:
        """Read the rows that have one of these keys *in the server's eyes*: 'a' finds 'A', too.

        Ends early, as a range does, once the rows take some megabytes.
        """
        with self._reconnecting(table), self._window(table, applied) as high:
            images, count, size, at, step = [], 0, 0, 0, FIRST_LOOKUP_KEYS
            while at < len(keys) and size <= CHUNK_BYTES:
                some = keys[at : at + self._asked(table, step)]
                condition = key_ranges.one_of(table.key, some)
                found, more = self._select(table, condition, None, ordered=False)
                images.append(more)
                count, size, at = count + found.count, size + len(more), at + len(some)
                step = min(2 * step, LOOKUP_KEYS)
            chunk = self._chunk(
                table, count, b"".join(images), None, finished=at == len(keys), high=high
            )
            return replace(chunk, keys=at)

    def peek(self, table: SelectTable, *, limit: int, keys: Sequence[Key] = ()) -> list[RowsEvent]:
        """Read the first rows, or those with these keys, each as an event, for display.

        No watermark is around them, so they must never be written to the target.
        """
        images, _ = self._display(table, table.by, keys, limit, key_ranges.order(table.key))
        return [_inserted(table, image) for image in images]

    def search(
        self,
        table: SelectTable,
        *,
        limit: int,
        by: TableKey | None = None,
        keys: Sequence[Key] = (),
    ) -> tuple[RowsEvent, int, bool]:
        """Read the rows with these keys in the columns `by`, or the first ones, for display.

        Return them as one event, how many they are, and whether they are all: fewer than `limit`,
        and of no more than some megabytes. No watermark is around them, either.
        """
        order = key_ranges.order(table.key) if by is None else ""
        images, complete = self._display(table, by or table.by, keys, limit, order)
        return _inserted(table, b"".join(images)), len(images), complete and len(images) < limit

    def search_key(self, table: SelectTable, columns: Collection[str]) -> TableKey | None:
        """Return an index by which `search` finds values of these columns; None if none does."""
        with self._reconnecting(table):
            return search_key(self._connected(), table, columns)

    def _display(
        self, table: SelectTable, by: TableKey, keys: Sequence[Key], limit: int, order: str
    ) -> tuple[list[bytes], bool]:
        images: list[bytes] = []
        statement = f"SELECT {table.columns} FROM {replace(table, by=by).source}"
        statement += f" WHERE {key_ranges.one_of(by.columns, keys)}" if keys else ""
        statement += f" ORDER BY {order}" if order else ""
        with self._reconnecting(table):
            found = prepared.select(
                self._connected(),
                f"{statement} LIMIT {limit}",
                sizes=[each.size for each in table.wire_columns],
                converters=table.images,
                take=lambda parts: images.append(b"".join(parts)),
                max_bytes=CHUNK_BYTES,
            )
        return images, found.complete

    def require_range(
        self, table: SelectTable, *, first: Key | None, last: Key | None, where: str | None
    ) -> None:
        """Raise UsageError if the source cannot read the range, or nothing can be in it.

        Reads no row.
        """
        with self._reconnecting(table):
            if first is not None and last is not None:
                condition = key_ranges.reversed_(table.key, first, last)
                if condition and self._is_true(condition):
                    raise UsageError(
                        "nothing is from --from to --to: the first key is behind the last one",
                        table=table.name,
                        remedy="write the two in the order of the table's key",
                    )
            bounds = [
                *([key_ranges.from_(table.key, first)] if first is not None else []),
                *([key_ranges.up_to(table.key, last)] if last is not None else []),
            ]
            try:
                rows(
                    self._connected(),
                    f"SELECT 1 FROM {table.source} WHERE {_and(bounds, where)} LIMIT 0",
                )
            except (Retryable, Unfit):
                raise
            except Fatal as error:
                raise UsageError(
                    f"the source cannot read this range: {error.message}",
                    table=table.name,
                    remedy="write --where as behind WHERE in a SELECT of this table alone",
                ) from error

    def _is_true(self, condition: str) -> bool:
        [(answer,)] = rows(self._connected(), f"SELECT {condition}")
        return bool(int(answer or 0))

    # -- the session

    def _connected(self) -> SourceConnection:
        if self._connection is None or not self._connection.open:
            source = self._source()
            self._connection = connect_source(source, read_timeout=QUERY_SECONDS, raw=True)
            mariadb = is_mariadb(self._connection)
            self.server = server_identity(self._connection, mariadb=mariadb)
            if self._accept is not None:
                try:
                    self._accept(self._connection, self.server)
                except BaseException:
                    self.close()
                    raise
        return self._connection

    @contextmanager
    def _reconnecting(self, table: SelectTable | None = None) -> Iterator[None]:
        """Drop the session after any failure that may have left it in an unknown state."""
        try:
            yield
        except prepared.Unexpected as error:
            self.close()
            if self._has_changed(table):
                raise TableChanged from error
            raise Unfit(
                "the server sends columns of other types than the table's definition says",
                table=table.name if table else None,
                remedy="report it with the table's definition and the server's version",
            ) from error
        except CdcError as error:
            code = watermarks.server_code(error)
            if code == _CHANGED_SINCE_SNAPSHOT or (code in _MISSING and self._has_changed(table)):
                raise TableChanged from error
            if isinstance(error, Retryable):
                self.close()
            raise
        except BaseException:
            self.close()
            raise

    def _has_changed(self, table: SelectTable | None) -> bool:
        """Return whether a table has changed; if not, an operator's condition is wrong."""
        if table is None:
            return True
        return definition(self._connected(), table.schema, table.table) != table.definition

    # -- watermarks

    @contextmanager
    def _window(self, table: SelectTable, applied: Position) -> Iterator[Callable[[], Position]]:
        self._leave_other_host()
        with self._watermarks(table, applied) as high:
            yield high

    def _leave_other_host(self) -> None:
        """Drop a session to a host on which chunks are no longer to be read."""
        source, connection = self._source(), self._connection
        if connection is not None and connection.source.address not in source.addresses:
            self.close()

    def _watermarks(
        self, table: SelectTable, applied: Position
    ) -> AbstractContextManager[Callable[[], Position]]:
        mariadb = is_mariadb(self._connected())
        if isinstance(applied, FilePosition):
            if mariadb:
                return watermarks.mariadb_file_window(self._connected, applied)
            return self._locked(table, applied)
        if isinstance(applied.gtids, MariadbGtids) != mariadb:
            raise watermarks.other_flavour(applied)
        if mariadb:
            return watermarks.mariadb_gtid_window(self._connected, applied)
        return watermarks.gtid_window(self._connected, applied)

    def _locked(
        self, table: SelectTable, applied: FilePosition
    ) -> AbstractContextManager[Callable[[], Position]]:
        if not self._allow_brief_lock:
            raise Unfit(
                "without GTIDs MySQL tells no position up to which a SELECT sees everything",
                table=table.name,
                remedy="write chunks.allow_brief_lock: true, which locks the table for the instant"
                " that opens a snapshot; and run on the source:"
                f" {watermarks.lock_grant(self._connected(), table.map.schema)}; or turn on GTIDs"
                " and start the stream anew",
            )
        connection = self._connected()
        if self._second is None or not self._second.open:
            self._second = connect_source(connection.source, read_timeout=QUERY_SECONDS)
        old = server_version(connection) < (8, 2)
        return watermarks.locked_window(
            self._connected,
            applied,
            second=self._second,
            table=(table.schema, table.table),
            status="SHOW MASTER STATUS" if old else "SHOW BINARY LOG STATUS",
        )

    # -- reading

    def _asked(self, table: SelectTable, limit: int) -> int:
        """Return how many rows to request, so that few are read for nothing."""
        size = self._bytes_a_row.get(table.name, table.bytes_a_row)
        return max(1, min(limit, int(MARGIN * CHUNK_BYTES / max(size, 1))))

    def _select(
        self, table: SelectTable, condition: str, limit: int | None, *, ordered: bool
    ) -> tuple[prepared.Rows, bytes]:
        statement = f"SELECT {table.columns} FROM {table.source}"
        statement += f" WHERE {condition}" if condition else ""
        if ordered:
            statement += f" ORDER BY {key_ranges.order(table.key)} LIMIT {limit}"
        parts: list[bytes] = []
        found = prepared.select(
            self._connected(),
            statement,
            sizes=[each.size for each in table.wire_columns],
            converters=table.images,
            take=parts.extend,
            max_bytes=CHUNK_BYTES if ordered else 1 << 62,
            at_once=table.images_at_once,
        )
        images = b"".join(parts)
        if found.count:
            self._bytes_a_row[table.name] = len(images) / found.count
        return found, images

    def _bound(
        self, table: SelectTable, conditions: list[str], until: Key | None, limit: int
    ) -> Key | None:
        """Return the key behind which `limit` rows end; None if fewer are left."""
        within = [*conditions, *([key_ranges.up_to(table.key, until)] if until else [])]
        tail = f"{key_ranges.order(table.key)} LIMIT 1 OFFSET {limit - 1}"
        return self._key(table, _and(within, None), tail)

    def _key(self, table: SelectTable, condition: str, tail: str) -> Key | None:
        where = f" WHERE {condition}" if condition else ""
        found = prepared.select(
            self._connected(),
            f"SELECT {table.key_columns} FROM {table.source}{where} ORDER BY {tail}",
            sizes=[table.wire_columns[at].size for at in table.key_at],
            converters=_Ignored(),
            take=_ignore,
            max_bytes=CHUNK_BYTES,
        )
        return None if found.last is None else table.read_bare_key(found.last)

    def _chunk(
        self,
        table: SelectTable,
        count: int,
        images: bytes,
        last: Key | None,
        *,
        finished: bool,
        high: Callable[[], Position],
    ) -> Chunk:
        if self._has_changed(table):
            raise TableChanged(table=table.name)
        return Chunk(_inserted(table, images), count, last, finished, high())


def _inserted(table: SelectTable, images: bytes) -> RowsEvent:
    return RowsEvent(table.map, RowsKind.INSERT, table.present, table.present, images)


class _Ignored(dict[bytes, prepared.Convert]):
    """Converts no row: only the last row counts."""

    def __missing__(self, _: bytes) -> prepared.Convert:
        return _convert_nothing


def _convert_nothing(*_: Any) -> None:
    return None


def _ignore(_: tuple[bytes, ...]) -> None:
    return None


def _and(conditions: Sequence[str], where: str | None) -> str:
    return " AND ".join(conditions if where is None else [*conditions, f"({where})"])
