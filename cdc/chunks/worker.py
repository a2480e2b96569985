"""The chunk thread: looks for jobs and works on them, one after the other, beside the stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, Protocol

import structlog

from cdc.chunks.applier import ChunkApplier
from cdc.chunks.backfill import Backfill
from cdc.chunks.findings import LetterOn
from cdc.chunks.order import JobOrder
from cdc.chunks.passes import TablePasses
from cdc.chunks.resync import Resync
from cdc.chunks.retry import Retry
from cdc.chunks.scan import TableScan
from cdc.chunks.stats import CopyCounters
from cdc.chunks.table import NOTHING_EMBEDDED, Documents, Embedded, Table
from cdc.chunks.throttle import Throttle
from cdc.chunks.verify import Verify
from cdc.chunks.windows import Windows
from cdc.errors import CdcError, Defect, NoWayBack, Retryable
from cdc.mapping.file.problems import MappingError
from cdc.model.job import Job, JobKind, JobState, Progress
from cdc.model.notice import Notice, NoticeEvent, Tell, tell_nobody
from cdc.retry import Backoff, Stopped, let_go
from cdc.terminal.counted import counted

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""The interval of looks for work, and for a pause or cancellation of a running job."""


Wait = Callable[[float], None]


class Jobs(Protocol):
    """The jobs of the stream."""

    def waiting(self) -> list[Job]:
        """Return the jobs to work on: the one that runs, then those that wait, the oldest first."""
        ...

    def get(self, identity: str) -> Job | None:
        """Return a job as it is stored."""
        ...


class JobInterrupted(Exception):
    """Somebody paused or cancelled the job."""


class JobWorker:
    """Works on the stream's jobs until `stop`."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        order: JobOrder,
        open_table: Callable[[Job, Wait], AbstractContextManager[Table]],
        documents: Documents,
        windows: Windows,
        applier: ChunkApplier,
        throttle: Throttle,
        chunk_rows: int,
        letter_on: LetterOn,
        embedded: Embedded = NOTHING_EMBEDDED,
        before_copy: Callable[[Job], None] = lambda _: None,
        tidy: Callable[[], None] = lambda: None,
        counters: CopyCounters | None = None,
        tell: Tell = tell_nobody,
    ) -> None:
        """`counters` counts copied rows.

        `tidy` is called between jobs, `before_copy` before a backfill or resync writes anything.
        """
        self._before_copy = before_copy
        self._counters = counters or CopyCounters()
        self._jobs = jobs
        self._order = order
        self._open_table = open_table
        self._documents = documents
        self._windows = windows
        self._applier = applier
        self._throttle = throttle
        self._chunk_rows = chunk_rows
        self._letter_on = letter_on
        self._embedded = embedded
        self._tidy = tidy
        self._tell = tell
        self._stopping = threading.Event()
        self._looked_at = 0.0

    def stop(self) -> None:
        """End `run`; may be called from any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Work on one job after the other; wait for a side that is unreachable."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                if self._work_on_next():
                    backoff.reset()
            except Stopped:
                return
            except Retryable as error:
                let_go(error)
                seconds = backoff.next()
                log.warning("job_retry", error=error.message, retry_in_seconds=round(seconds, 1))
                self._stopping.wait(seconds)

    def _work_on_next(self) -> bool:
        self._tidy()
        job = self._order.first(self._jobs.waiting())
        if job is None:
            self._stopping.wait(LOOK_SECONDS)
            return False
        scan = TableScan(
            job,
            windows=self._windows,
            applier=self._applier,
            before_each=lambda: self._before_each(job),
            wait=partial(self._watch, job),
            counters=self._counters,
        )
        self._counters.begun(job, scan.progress)
        facts = {"job": job.id, "kind": job.kind.value, "table": job.table}
        log.info("job_started", rows=scan.progress.rows, **facts)
        scan.move(JobState.RUNNING)
        try:
            self._work(scan)
        except JobInterrupted:
            self._counters.ended(job, JobState.PAUSED)
            log.info("job_set_aside", rows=scan.progress.rows, **facts)
        except (Retryable, Stopped):
            raise
        except CdcError as error:
            self._failed(scan, error)
        except Exception as error:  # noqa: BLE001 - the stream continues, whatever a job meets
            self._failed(scan, Defect.of(error))
        else:
            scan.move(JobState.DONE)
            self._counters.ended(job, JobState.DONE)
            log.info("job_done", rows=scan.progress.rows, **facts)
            self._tell(ended(job, scan.progress, JobState.DONE))
        return True

    def _failed(self, scan: TableScan, error: CdcError) -> None:
        """End a job that failed; raises Stopped if its connections were closed by a stop."""
        if self._stopping.is_set():
            raise Stopped from error
        job = scan.job
        self._counters.ended(job, JobState.FAILED)
        error.remedy = remedy_of(job, error)
        log.error(
            "job_failed",
            job=job.id,
            kind=job.kind.value,
            table=job.table,
            error=error.message,
            remedy=error.remedy,
        )
        scan.move(JobState.FAILED, str(error))
        self._tell(ended(job, scan.progress, JobState.FAILED, error))

    def _work(self, scan: TableScan) -> None:
        started = time.monotonic()
        if scan.job.kind in (JobKind.BACKFILL, JobKind.RESYNC):
            self._before_copy(scan.job)
        with self._open_table(scan.job, partial(self._watch, scan.job)) as table:
            passes = TablePasses(scan, table, self._documents, chunk_rows=self._chunk_rows)
            work_on(passes, letter_on=self._letter_on, embedded=self._embedded)
        log.debug("job_took", seconds=round(time.monotonic() - started, 3))

    def _before_each(self, job: Job) -> None:
        """Delay the next chunk as the limits ask; leave a job that was paused or cancelled."""
        self._look_at(job)
        self._throttle.wait(partial(self._watch, job))

    def _watch(self, job: Job, seconds: float) -> None:
        """Wait, and leave the job as soon as it is paused or cancelled."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._look_at(job)
            self._wait(min(left, LOOK_SECONDS))

    def _look_at(self, job: Job) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        current = self._jobs.get(job.id)
        if current is None or current.state is not JobState.RUNNING:
            raise JobInterrupted

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped


def work_on(
    passes: TablePasses, *, letter_on: LetterOn, embedded: Embedded = NOTHING_EMBEDDED
) -> None:
    """Run a job, from its saved progress on."""
    job = passes.scan.job
    match job.kind:
        case JobKind.BACKFILL:
            Backfill(passes).run()
        case JobKind.RESYNC:
            Resync(passes).run()
        case JobKind.VERIFY:
            Verify(passes, letter_on=letter_on, embedded=embedded).run()
        case JobKind.RETRY:
            Retry(passes, job.options.ids or ()).run()


def ended(job: Job, progress: Progress, state: JobState, error: CdcError | None = None) -> Notice:
    """Return the notice that a job is done, or has failed for an error."""
    facts = {
        "job": job.id,
        "kind": job.kind.value,
        "table": job.table,
        "state": state.value,
        "rows": progress.rows,
        "differences": progress.differences,
        "repaired": progress.repaired,
        "requested_by": job.requested_by,
        "error": error and error.message,
        "remedy": error and error.remedy,
    }
    said = f"the {job.kind} of {job.table} is done, {counted(progress.rows, 'row')}"
    if job.kind is JobKind.VERIFY:
        differences = counted(progress.differences, "difference")
        said = f"{said}, {differences}, {progress.repaired} repaired"
    if error is not None:
        said = f"the {job.kind} of {job.table} has failed: {error.message}"
    return Notice(NoticeEvent.JOB, said, facts)


def remedy_of(job: Job, error: CdcError) -> str:
    """Return what to do, with the command that requests the job again if it can be done at all."""
    if isinstance(error, NoWayBack) and error.remedy:
        return error.remedy
    again = "resync" if job.kind is JobKind.RETRY else job.kind.value
    remedy = error.remedy
    if remedy is None and isinstance(error, MappingError):
        remedy = "edit the mapping and start again"
    first = f"{remedy}; then ask again" if remedy else "ask again"
    if job.options.reads_a_range:
        return f"{first}, with --where, --from, --to as they should be: cdc {again} {job.table} …"
    return f"{first}: cdc {again} {job.table}"
