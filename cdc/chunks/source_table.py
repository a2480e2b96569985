"""The `Table` of jobs that reads a server's table in chunks, mapped by what follows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from cdc.chunks.delete_rule import DeleteRule
from cdc.chunks.mapped_collection import MappedCollection
from cdc.chunks.table import Collection, MappedChunk
from cdc.chunks.throttle import Throttle
from cdc.chunks.told_rows import MakeReads, ReadChunk, told_rows
from cdc.chunks.windows import Window
from cdc.config import Config, SourceConfig
from cdc.errors import NoWayBack, TooEarly, Unfit, UsageError
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.compile.shard_ownership import own_documents
from cdc.mapping.file.mapping import IdExpression
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.model.dead_letter import FailedRow, failures
from cdc.model.document_id import comparable
from cdc.model.job import Job, JobKind, Phase
from cdc.model.position import Position
from cdc.readers.select.chunk_reader import Chunk, ChunkReader
from cdc.readers.select.keys import Key, written
from cdc.readers.select.select_table import SelectTable
from cdc.readers.select.watermarks import TableLocked
from cdc.readers.server.connection import SourceConnection
from cdc.writers.sharding import paths_of

TOO_EARLY_SECONDS: Final = 0.05
"""The delay before a retry while the source does not show yet what its stream has delivered."""

LOCKED_SECONDS: Final = 20.0
"""The delay before another brief lock: one that waits for a second delays all writers."""

Accept = Callable[[SourceConnection, str], None]
"""Judges a session, with the server's identity; raises what refuses it."""

PROBED_ROWS: Final = 20
PROBES: Final = 3


class Within(NamedTuple):
    """A part of a table: up to the key `last`, in the order of a key.

    None are the table's end, and the order that its own key has now.
    """

    order: str | None
    last: Key | None = None


class SourceTable:
    """One table, read for one job."""

    def __init__(
        self,
        reader: ChunkReader,
        job: Job,
        router: TableRouter,
        *,
        rows: int,
        throttle: Throttle,
        wait: Callable[[float], None],
        within: Within | None = None,
        reads: MakeReads | None = None,
        only_told: bool = False,
    ) -> None:
        """`rows` is the most rows of a chunk; `wait` waits so many seconds.

        `within` is the part of the table that a worker copies. `reads` makes what tells other
        consumers of its rows; if they are `only_told`, no documents are made of them.

        Raises UsageError if no mapping follows the table, or if the job cannot be done; Unfit if
        the key by which it was read so far is gone.
        """
        mappings = _mappings(job, router)
        schema, name = job.named
        columns = [column for each in mappings for column in each.id_columns]
        self._reader = reader
        order = _order_of(job) if within is None else within.order
        self._table = table = _in_order(reader.open(schema, name, columns), order)
        mapped = [
            MappedCollection(
                mapping=each,
                plan=router.plan(each, table.map),
                own=own_documents(each, schema, name),
                removal=DeleteRule(each.on_delete, paths_of(each)),
                table=table.found_by(_id_columns(each, table)),
            )
            for each in mappings
        ]
        self._told = told_rows(reads, job, table.map, router.mappings(schema, name), mapped)
        self._mapped = [] if only_told else mapped
        if job.kind is not JobKind.BACKFILL:
            self._require_ways_back(job)
        self._options = options = job.options
        self._first = None if options.first is None else written(table.key, options.first)
        self._last = None if options.last is None else written(table.key, options.last)
        if within is not None:
            self._last = within.last
        self._sets_aside = job.kind is JobKind.VERIFY  # it reports every row, whatever the policy
        self._rows = rows
        self._throttle = throttle
        self._wait = wait

    def __repr__(self) -> str:
        return f"<SourceTable {self._table.name!r}>"

    def _require_ways_back(self, job: Job) -> None:
        """Raise NoWayBack if rows cannot be found by their documents' ids."""
        for each in self._mapped:
            if each.table is None:
                expression = isinstance(each.mapping.id, IdExpression)
                why = "is an expression" if expression else "holds no key that rows are found by"
                raise NoWayBack(
                    f"{job.kind} finds rows by their documents' ids, and the id of {each.name}"
                    f" {why}",
                    table=job.table,
                    remedy=f"copy the rows alone: cdc backfill {job.table}",
                )

    @property
    def rows(self) -> int:
        """The server's estimate of the number of rows."""
        return self._table.rows_estimate

    @property
    def order(self) -> str:
        """The key that its rows are read by."""
        return self._table.by.order

    @property
    def collections(self) -> Sequence[Collection]:
        """The collections that its rows go to."""
        return self._mapped

    def read(self, after: Any, window: Window) -> MappedChunk:
        """Return the rows behind the key `after`; None is the table's beginning."""
        part, read = self._read(after, window)
        return part if self._told is None else part._replace(told=self._told.copied(read))

    def _read(self, after: Any, window: Window) -> tuple[MappedChunk, ReadChunk]:
        return self._in_time(
            lambda: self._reader.read(
                self._table,
                first=self._first if after is None else None,
                after=after,
                until=self._last,
                limit=self._rows,
                where=self._where(),
                applied=window.applied_checkpoint.position,
            ),
            window,
        )

    def end_of(self, after: Key | None, rows: int, seen: Position) -> tuple[Key | None, bool]:
        """Return where `rows` rows behind `after` end, and whether the table ends there.

        As `ChunkReader.end_of`, at a moment that holds `seen`.
        """
        return self._reader.end_of(self._table, after=after, rows=rows, applied=seen)

    def _where(self) -> str | None:
        share = self._options.share(self._table.rows_estimate)
        if share >= 100:
            return self._options.where
        key = ", ".join(column.sql for column in self._table.key)
        return f"CRC32(CONCAT_WS(',', {key})) % 1000000 < {max(1, round(share * 10_000))}"

    def lookup(self, collection: Collection, ids: Sequence[bytes], window: Window) -> MappedChunk:
        """Return the rows of documents with these ids in the collection, or of the first ones."""
        assert isinstance(collection, MappedCollection)
        table = collection.table
        assert table is not None
        keys = [(at, key) for at, each in enumerate(ids) if (key := collection.key(each, table))]
        looked_up = len(ids)

        def look_up() -> Chunk:
            nonlocal looked_up
            chunk = self._reader.lookup(
                table, [key for _, key in keys], applied=window.applied_checkpoint.position
            )
            looked_up = len(ids) if chunk.finished else keys[chunk.keys][0]
            return chunk

        part, read = self._in_time(look_up, window)
        part = part._replace(asked=ids[:looked_up])
        return part if self._told is None else part._replace(told=self._told.looked_up(read))

    def probe(self, collection: Collection, window: Window) -> None:
        """Check that rows are found by their documents' ids, before one counts as gone.

        A row that exists before and after its lookup existed during it, unless it was deleted and
        inserted again: so it is looked up a few times. Raises UsageError if rows are not found.
        """
        for _ in range(PROBES):
            ids = self._first_ids(collection, window)
            part = self.lookup(collection, ids, window)
            lost = {comparable(each) for each in part.asked} - part.alive(collection.name)
            if not lost:
                return
            if lost.isdisjoint(map(comparable, self._first_ids(collection, window))):
                return
        raise UsageError(
            "rows are not found again by the ids of their documents",
            table=self._table.name,
            remedy="delete what is left over by hand, and copy the rows alone:"
            f" cdc backfill {self._table.name}",
        )

    def _first_ids(self, collection: Collection, window: Window) -> list[bytes]:
        part, _ = self._read(None, window)
        return [each.id for each in part.documents[collection.name][:PROBED_ROWS]]

    def _part(self, chunk: Chunk) -> MappedChunk:
        self._throttle.spent(chunk.rows)
        now = time.time()
        documents, failed = {}, {}
        for each in self._mapped:
            rows: list[FailedRow] = []
            told = None if each.plan.halts and not self._sets_aside else rows.append
            documents[each.name] = each.plan.operations(chunk.event, now, told)
            failed[each.name] = failures(rows)
        return MappedChunk(documents, chunk.rows, chunk.last, chunk.finished, chunk.high, failed)

    def _in_time(self, read: Callable[[], Chunk], window: Window) -> tuple[MappedChunk, ReadChunk]:
        while True:
            began = time.time()
            try:
                chunk = read()
            except TableLocked:
                self._wait(LOCKED_SECONDS)
            except TooEarly:
                self._wait(TOO_EARLY_SECONDS)
            else:
                return self._part(chunk), ReadChunk(chunk.event, window.applied_checkpoint, began)


def _mappings(job: Job, router: TableRouter) -> list[TableMapping]:
    schema, name = job.named
    target = job.options.target
    found = [each for each in router.mappings(schema, name) if target in (None, each.target)]
    if not found:
        raise UsageError(
            f"no mapping follows {job.table}" + (f" into {target}" if target else ""),
            remedy="name a table as schema.table, as they are listed: cdc mapping check",
        )
    return found


def _order_of(job: Job) -> str | None:
    """Return the order of the job's cursor; None if there is none, or an old version's."""
    progress = job.progress
    if progress is None or progress.cursor is None or progress.phase is not Phase.ROWS:
        return None
    return progress.order


def _in_order(table: SelectTable, order: str | None) -> SelectTable:
    """Return the table with the key of this order, whatever keys exist since."""
    if order is None:
        return table
    found = table.read_in(order)
    if found is None:
        raise Unfit(
            f"the copy has come half way by a key that the table no longer has ({order})",
            table=table.name,
            remedy="let it start over by another key",
        )
    return found


def _id_columns(mapping: TableMapping, table: SelectTable) -> Sequence[str]:
    """Return the columns that an id holds; none for an expression."""
    if isinstance(mapping.id, IdExpression):
        return ()
    return mapping.id_columns or [table.map.columns[at].name for at in table.map.primary_key]


class SourceTables:
    """Opens the tables of jobs."""

    def __init__(
        self,
        config: Config,
        router: TableRouter,
        throttle: Throttle,
        source: Callable[[], SourceConfig] | None = None,
        accept: Accept | None = None,
        reads: MakeReads | None = None,
    ) -> None:
        """`source` returns the source with the host to read on; without it any will do.

        `accept` as in ChunkReader, `reads` as in SourceTable.
        """
        self._accept = accept
        self._reads = reads
        self._config = config
        self._source = source or (lambda: config.source)
        self._router = router
        self._throttle = throttle

    @contextmanager
    def open(
        self, job: Job, wait: Callable[[float], None], within: Within | None = None
    ) -> Iterator[SourceTable]:
        """Yield a job's table, on a session of its own; `wait` waits so many seconds."""
        only_told = self._config.only_publishes
        if only_told and job.kind is not JobKind.BACKFILL:
            raise UsageError(
                "the stream publishes only, and has no documents to compare",
                remedy="write `publish.only: false`",
            )
        chunks = self._config.chunks
        reader = ChunkReader(
            self._source, allow_brief_lock=chunks.allow_brief_lock, accept=self._accept
        )
        try:
            yield SourceTable(
                reader,
                job,
                self._router,
                rows=chunks.rows,
                throttle=self._throttle,
                wait=wait,
                within=within,
                reads=self._reads,
                only_told=only_told,
            )
        finally:
            reader.close()
