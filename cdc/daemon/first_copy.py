"""The daemon's part in a held stream's first copy: it keeps workers, watches, and then begins.

`docs/architecture.md`, "First copies by several workers", has the argument.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from cdc.chunks.first_copy.worker import require_accepted
from cdc.chunks.stats import CopyCounters
from cdc.config import Config
from cdc.daemon.copy_workers import CopyWorkers
from cdc.daemon.held_tables import HeldTables
from cdc.daemon.retry_until_reached import RetryUntilReached
from cdc.errors import CdcError, Halted, Retryable
from cdc.mapping.compile.router import TableRouter
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import HeldCopy
from cdc.preflight.position import remedy_while_held
from cdc.readers.binlog.accepted_host import HostChooser, RequireFit
from cdc.readers.server.connection import close_connection
from cdc.retry import Liveness, Stopped
from cdc.writers.ranges import CopyProgress, Failed, Ranges, begun, set_aside
from cdc.writers.writer import MongoWriter

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""The interval of looks at how far the workers have come."""

TELL_SECONDS: Final = 10.0
"""The interval at which the log tells it, and at which the source's binlogs are looked at."""


class FirstCopy:
    """Has a held stream's tables copied, then lets the stream begin."""

    def __init__(
        self,
        config: Config,
        router: TableRouter,
        writer: MongoWriter,
        ranges: Ranges,
        workers: CopyWorkers,
        tables: HeldTables,
        *,
        judge: RequireFit,
        retry: RetryUntilReached,
        liveness: Liveness,
        stopping: threading.Event,
        counters: CopyCounters,
    ) -> None:
        """Copy for the stream that `writer` holds; `judge` judges hosts of the source."""
        self._config = config
        self._router = router
        self._writer = writer
        self._ranges = ranges
        self._workers = workers
        self._tables = tables
        self._judge = judge
        self._retry = retry
        self._liveness = liveness
        self._stopping = stopping
        self._counters = counters
        self._looked_at = -math.inf

    def run(self, first: Checkpoint, held: HeldCopy) -> Checkpoint:
        """Wait until all is copied, let the stream begin at `first`, and return its checkpoint.

        Raises Halted if a range has failed in a way that ends the stream, PositionPurged or
        SourceDiverged once the source cannot go on from `first`, UsageError if the mappings are
        others than those of the copy; Fenced if another daemon has taken the stream over; Stopped.
        """
        database = self._config.target.database
        require_accepted(self._writer.read_state() or {}, held, self._router, database)
        self._retry.run(self._ranges.reopen_failed)
        log.info("copying", stream=self._config.name, tables=len(held.tables))
        held = self._without(held, self._retry.run(lambda: self._unfit(held)))
        try:
            held = self._until_done(first, held)
        finally:
            self._workers.stop()
        return self._begin(first, held)

    def _unfit(self, held: HeldCopy) -> list[Failed]:
        """Return the tables that workers cannot copy any more, as a unique index was added."""
        found = ((table, next(self._tables.unfit(table), None)) for table in held.tables)
        return [Failed(table, why, halts=False) for table, why in found if why is not None]

    def _until_done(self, first: Checkpoint, held: HeldCopy) -> HeldCopy:
        """Keep workers until all is copied; return what that is."""
        began, rows_before = time.monotonic(), None
        while True:
            self._liveness.tick()
            self._writer.renew_lease()
            progress = self._retry.run(partial(self._ranges.progress, held))
            rows_before = progress.rows if rows_before is None else rows_before
            self._note(progress)
            if progress.failed:
                held = self._without(held, progress.failed)
                continue
            if progress.is_done:
                return held
            self._require_all(progress)
            self._workers.keep()
            if time.monotonic() - self._looked_at >= TELL_SECONDS:
                self._looked_at = time.monotonic()
                rate = (progress.rows - rows_before) / max(LOOK_SECONDS, self._looked_at - began)
                self._tell(progress, rate)
                self._require_source(first)
            if self._stopping.wait(LOOK_SECONDS):
                raise Stopped

    def _require_all(self, progress: CopyProgress) -> None:
        """Raise Halted if somebody has removed what the copy knew of itself: it would never end."""
        for table in sorted(progress.lost):
            raise Halted(
                "the first copy cannot go on: its ranges are missing in the state database",
                table=table,
                remedy=f"begin anew: cdc stream remove {self._config.name} --documents",
            )

    def _note(self, progress: CopyProgress) -> None:
        for table, copied in progress.by_table.items():
            is_whole = table in progress.tables
            self._counters.copied(table, copied.rows, progress.totals.get(table, 0), is_whole)

    def _tell(self, progress: CopyProgress, rate: float) -> None:
        log.info(
            "copied",
            stream=self._config.name,
            rows=progress.rows,
            rows_estimated=sum(progress.totals.values()) or None,
            rows_per_second=round(rate),
            tables_done=len(progress.tables),
            tables=len(progress.by_table),
            workers=len(progress.by_worker),
        )

    def _without(self, held: HeldCopy, failed: Sequence[Failed]) -> HeldCopy:
        """Set tables aside, whose copies are the stream's then; return what is left.

        Raises Halted for an error that is to end the stream.
        """
        if not failed:
            return held
        name = self._config.name
        for each in failed:
            if each.halts:
                raise _halted(each, name)
        for table, error, _ in failed:
            if table in held.tables:
                log.error("table_set_aside", stream=name, table=table, error=error)
                self._writer.write(set_aside(name, held, table))
                held = held.without(table)
        self._retry.run(lambda: self._ranges.remove(but=held.tables))
        return held

    def _require_source(self, first: Checkpoint) -> None:
        """Raise what keeps the source from going on behind `first` and what was copied since.

        A source that is away is waited for by the workers.
        """
        ahead = self._retry.run(self._ranges.seen)
        hosts = HostChooser(self._config.source, self._judge, ahead=ahead)
        try:
            with suppress(Retryable):
                close_connection(hosts.accepted(first).connection)
        except Halted as error:
            error.remedy = remedy_while_held(error, self._config.name)
            raise

    def _begin(self, first: Checkpoint, held: HeldCopy) -> Checkpoint:
        """Save the position, take the stream over as it is then, and return its checkpoint."""
        name = self._config.name
        self._retry.run(lambda: self._ranges.remove(but=held.tables))
        ahead = self._retry.run(self._ranges.seen)
        self._require_source(first)
        rows = self._retry.run(partial(self._ranges.progress, held)).rows
        write = begun(name, held, ahead)
        self._writer.apply(Batch((MappedTransaction("", first, None, writes=(write,)),)))
        log.info("copy_done", stream=name, rows=rows, ahead=[str(each) for each in ahead])
        self._retry.run(self._ranges.remove)
        taken = self._writer.take_over()
        assert taken is not None  # it was saved just now
        return taken


def _halted(failed: Failed, stream: str) -> CdcError:
    """Return the error of a worker as the daemon's; its mappings are those of the copy's begin."""
    first, *rest = failed.error.splitlines() or [""]
    told = [each.strip().removeprefix("remedy: ") for each in rest]
    return Halted(
        f"the first copy has failed: {first}",
        table=failed.table,
        remedy="; ".join([*told, "then start again"])
        + f"; with edited mappings begin anew: cdc stream remove {stream} --documents",
    )
