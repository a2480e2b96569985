"""One worker of a held stream's first copy: takes ranges, cuts others, until all is copied."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import structlog

from cdc.chunks.first_copy.accepted import Accepted
from cdc.chunks.first_copy.range_copy import RangeCopy
from cdc.chunks.first_copy.range_copy import Writer as RowWriter
from cdc.chunks.first_copy.range_reader import RangeReader
from cdc.chunks.source_table import Accept, SourceTables, Within
from cdc.chunks.throttle import Throttle
from cdc.errors import (
    CdcError,
    Defect,
    Fenced,
    LeaseHeld,
    Retryable,
    RolledBack,
    StaleConnection,
    StateMissing,
    TooManyDeadLetters,
    Unmappable,
    UsageError,
    WriteRefused,
)
from cdc.mapping.compile.router import TableRouter
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import RANGE_CHUNKS, HeldCopy, KeyRange, Tail
from cdc.model.job import Job, JobKind
from cdc.model.position import Position
from cdc.model.table_name import split_name
from cdc.retry import Stopped, retry_until_done
from cdc.writers.accepted_mappings import accepted_keys, key_of
from cdc.writers.ranges import Cut, Ranges, failure, is_held

T = TypeVar("T")

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
"""The interval of looks for work where there is none now."""

GAVE_BACK_SECONDS: Final = 5.0
"""The pause of a worker that gave a range back, or it would be the first to see it free."""


class Writer(RowWriter, Protocol):
    """Holds one range after a takeover: `cdc.writers.writer.MongoWriter`."""

    def take_over(self) -> Checkpoint | None:
        """Take the range over; raises LeaseHeld if another worker has it."""
        ...

    def stop(self) -> None:
        """End any wait for the target; may be called from any thread."""
        ...

    def close(self) -> None:
        """Release the range."""
        ...


class CopyWorker:
    """Copies ranges of one stream until nothing of its first copy is left."""

    def __init__(
        self,
        stream: str,
        database: str,
        ranges: Ranges,
        router: TableRouter,
        tables: Callable[[Accept], SourceTables],
        throttle: Throttle,
        writer_of: Callable[[str], Writer],
        *,
        chunk_rows: int,
    ) -> None:
        """Copy into `database`; `writer_of` makes the writer of a range, by its id.

        `tables` opens tables on sessions that its argument accepts.
        """
        self._stream = stream
        self._database = database
        self._ranges = ranges
        self._router = router
        self._tables = tables
        self._throttle = throttle
        self._writer_of = writer_of
        self._range_rows = RANGE_CHUNKS * chunk_rows
        self._stopping = threading.Event()
        self._writer: Writer | None = None
        self._made_by: tuple[HeldCopy, object] | None = None

    def stop(self) -> None:
        """End `run` after the chunk in flight; may be called from any thread."""
        self._stopping.set()
        writer = self._writer
        if writer is not None:
            writer.stop()

    def run(self) -> bool:
        """Work until the stream has begun, or until it is stopped; return whether it has begun.

        Waits for a stream that does not exist yet, and for a side that cannot be reached. Raises
        UsageError if its mappings are not those by which the copy is made.
        """
        said = False
        try:
            while (state := self._reached(self._ranges.stream_state)) is None or is_held(state):
                if state is not None and self._reached(partial(self._work, state)):
                    said = False
                    continue
                if not said:
                    why = "no_range_free" if state is not None else "no_such_stream_yet"
                    log.info(why, stream=self._stream)
                said = True
                self._wait(LOOK_SECONDS)
        except Stopped:
            return False
        return True

    def _work(self, state: Mapping[str, Any]) -> bool:
        """Copy a range, or cut one; return whether there was any."""
        self._turn()
        held = HeldCopy.of(state)
        if held is None:
            return False
        made_by = (held, state.get("mappings"))
        if made_by != self._made_by:  # mappings by the thousand take a while to compare
            require_accepted(state, held, self._router, self._database)
            self._made_by = made_by
        free = self._ranges.free()
        if free:
            try:
                self._copy(free[0], held)
            except Retryable:
                self._wait(GAVE_BACK_SECONDS)
                raise
            return True
        return any(self._cut(tail, held) for tail in self._ranges.tails())

    def _cut(self, tail: Tail, held: HeldCopy) -> bool:
        """Cut a range off a tail, or mark the tail as failed; return whether it has changed."""
        try:
            return self._ranges.cut(tail, held, self._end_of_next(tail, held))
        except (StaleConnection, Retryable, Stopped):
            raise
        except CdcError as error:
            return self._fail_tail(tail, held, error)
        except Exception as error:  # noqa: BLE001 - the daemon must hear of it
            return self._fail_tail(tail, held, Defect.of(error))

    def _end_of_next(self, tail: Tail, held: HeldCopy) -> Cut:
        """Look up the end of the next range."""
        job = Job.request(self._stream, JobKind.BACKFILL, tail.table, by="worker")
        with self._tables_of(held, held.seen).open(job, self._wait, Within(tail.order)) as table:
            last, is_end = table.end_of(tail.after, self._range_rows, held.seen)
            return Cut(table.order, last, is_end, table.rows)

    def _fail_tail(self, tail: Tail, held: HeldCopy, error: CdcError) -> bool:
        log.error("cut_failed", table=tail.table, error=error.message, remedy=error.remedy)
        return self._ranges.fail(tail, held, str(error))

    def _tables_of(self, held: HeldCopy, seen: Position) -> SourceTables:
        """Return the source's tables, on servers that have what was `seen`."""
        return self._tables(Accepted(held, seen))

    def _copy(self, free: KeyRange, held: HeldCopy) -> None:
        self._writer = writer = self._writer_of(free.id)
        try:
            taken = writer.take_over()
            range_ = self._ranges.open_range(free.id)  # as it is now that it is ours
            if taken is not None and range_ is not None:
                self._copy_taken(range_, held, writer)
        except LeaseHeld:
            pass  # another worker was faster
        except (Fenced, RolledBack, StateMissing) as error:
            log.warning("range_left", range=free.id, error=error.message)
        finally:
            self._writer = None
            writer.close()

    def _copy_taken(self, range_: KeyRange, held: HeldCopy, writer: Writer) -> None:
        log.info("range_started", range=range_.id, rows=range_.rows, worker=os.getpid())
        reader = RangeReader(
            partial(self._tables_of, held), self._throttle, self._stream, range_, self._stopping
        )
        try:
            with reader:
                RangeCopy(range_, reader, writer).run(self._turn)
        except (Fenced, RolledBack, StateMissing, StaleConnection, Retryable, Stopped):
            raise
        except CdcError as error:
            self._fail(range_, writer, error)
        except Exception as error:  # noqa: BLE001 - the daemon must hear of it
            self._fail(range_, writer, Defect.of(error))

    def _fail(self, range_: KeyRange, writer: Writer, error: CdcError) -> None:
        """Mark a range as failed: the daemon sets its table aside, or ends by its error."""
        log.error("range_failed", range=range_.id, error=error.message, remedy=error.remedy)
        current = self._ranges.open_range(range_.id) or range_
        halts = isinstance(error, TooManyDeadLetters | WriteRefused | Unmappable)
        write = failure(current, str(error), halts=halts)
        change = MappedTransaction("", Checkpoint(current.seen), None, writes=(write,))
        writer.apply(Batch((change,)))

    def _turn(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _reached(self, attempt: Callable[[], T]) -> T:
        return retry_until_done(
            attempt,
            event="worker_retry",
            passing=lambda error: isinstance(error, Retryable),
            stopping=self._stopping,
        )

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped


def require_accepted(
    state: Mapping[str, Any], held: HeldCopy, router: TableRouter, database: str
) -> None:
    """Raise UsageError unless the copy was begun by these mappings, and into this database."""
    if database != held.database:
        raise UsageError(
            f"target.database is {database}, and the first copy goes to {held.database}",
            remedy=f"write target.database: {held.database}",
        )
    accepted = accepted_keys(state)
    for table, targets in held.targets.items():
        mappings = router.mappings(*split_name(table))
        is_followed = targets == {each.target for each in mappings}
        if not is_followed or not accepted.issuperset(map(key_of, mappings)):
            raise UsageError(
                f"the mappings of {table} are not those by which its first copy was begun",
                table=table,
                remedy="write them as they were until it is done; or begin anew:"
                f" cdc stream remove {state['_id']} --documents",
            )
