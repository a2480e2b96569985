"""Requests jobs and watches them, beside a daemon that runs them or in its place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from cdc.config import Config
from cdc.daemon.daemon import Daemon
from cdc.errors import CdcError, NoMajority, Retryable, UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.model.job import ENDED, Job
from cdc.preflight import edit_findings, require
from cdc.preflight.mapping_edits import edited, unresolved
from cdc.writers import stream_admin
from cdc.writers.accepted_mappings import State
from cdc.writers.connection import asking_target
from cdc.writers.jobs import Jobs
from cdc.writers.ranges import is_held, require_begun

LOOK_SECONDS: Final = 0.25
HOLDER_SECONDS: Final = 5.0
"""The interval of checks whether a daemon still runs the jobs."""
MISSED_LOOKS: Final = 2
"""The number of checks in a row that must find no daemon."""

Mappings = tuple[Mapping, ...]


class Display(Protocol):
    """Shows the progress of jobs."""

    def show(self, job: Job) -> None:
        """Show a job, whether or not it has advanced."""
        ...

    def abandoned(self, stream: str) -> None:
        """Report that no daemon is active any more, so that jobs wait for one."""
        ...

    def away(self, error: str) -> None:
        """Report that the target is away, which the job and this command wait for."""
        ...

    def held(self, stream: str) -> None:
        """Report that the stream has not begun, which jobs wait for."""
        ...

    def left(self, jobs: Sequence[Job]) -> None:
        """Report that jobs continue although nobody watches them any more."""
        ...


@contextmanager
def jobs_of(config: Config) -> Iterator[Jobs]:
    """Yield the jobs of a configured stream."""
    with asking_target(config.target) as client:
        yield Jobs.of(config, client)


def run_jobs(
    config: Config, mappings: Mappings, wanted: Sequence[Job], display: Display
) -> list[Job]:
    """Run jobs to their end; return them as they ended.

    If a daemon of the stream is active, it runs them. Otherwise this process takes its place until
    they are done, and follows the stream meanwhile. Raises UsageError for a stream that was never
    started, and without a daemon for one that is held: workers must make its first copy.
    """
    state = stream_admin.read(config)
    if state is None:
        raise UsageError(
            f"the stream {config.name} was never started: there is no position to work beside",
            remedy="start it, which copies existing rows by itself: cdc run",
        )
    is_active = stream_admin.active_owner(config) is not None
    if not is_active:
        require_begun(state)
    with jobs_of(config) as jobs:
        if is_active:
            _require_its_mappings(config, state, mappings, wanted)
        else:  # this process follows all tables then
            _require_all_mappings(state, mappings, jobs.unended(), wanted)
        try:
            for job in wanted:
                _request(jobs, job, display)
            if is_active:
                if is_held(state):
                    display.held(config.name)
                watch = _DaemonWatch(config, display)
                return [_watched(jobs, job, display, watch.check) for job in wanted]
            with _standing_in(config, mappings) as check:
                return [_watched(jobs, job, display, check) for job in wanted]
        except BaseException:
            with suppress(CdcError):  # the target may be what is away
                found = filter(None, [jobs.get(each.id) for each in wanted])
                display.left([job for job in found if job.state not in ENDED])
            raise


def _request(jobs: Jobs, job: Job, display: Display) -> None:
    """Request a job, and wait until a majority of the target has it."""
    is_told = False
    while True:
        try:
            jobs.add(job)
            return
        except NoMajority as error:
            if not is_told:
                display.away(error.message)
            is_told = True
            time.sleep(LOOK_SECONDS)


class _DaemonWatch:
    """Checks at intervals whether a daemon is active, and reports once that none is.

    One check is no proof: the lease of a busy daemon may be renewed a little late.
    """

    def __init__(self, config: Config, display: Display) -> None:
        self._config = config
        self._display = display
        self._looked_at = time.monotonic()
        self._missed = 0

    def check(self) -> None:
        """Check, if it is time; a target that is away tells nothing."""
        if time.monotonic() - self._looked_at < HOLDER_SECONDS:
            return
        with suppress(Retryable):
            self._count(is_there=stream_admin.active_owner(self._config) is not None)
        self._looked_at = time.monotonic()

    def _count(self, *, is_there: bool) -> None:
        self._missed = 0 if is_there else self._missed + 1
        if self._missed == MISSED_LOOKS:
            self._display.abandoned(self._config.name)


def _require_its_mappings(
    config: Config, state: State, mappings: Mappings, jobs: Sequence[Job]
) -> None:
    """Raise UsageError if the active daemon would use older mappings.

    Edits for other tables do not matter here.
    """
    wanted = {(job.table, job.options.target) for job in jobs}
    for each in edited(state, mappings):
        names = {(table, target) for table in each.tables for target in (None, each.mapping.target)}
        if wanted.isdisjoint(names):
            continue
        raise UsageError(
            f"{each}, and the daemon that is active still works by that one",
            remedy=f"stop the daemon of {config.name} first; then this command does it",
        )


def _require_all_mappings(
    state: State, mappings: Mappings, waiting: Sequence[Job], wanted: Sequence[Job]
) -> None:
    """Raise UsageError for edited mappings, unless these jobs make some of them good."""
    before = unresolved(state, mappings, waiting)
    left = unresolved(state, mappings, [*waiting, *wanted])
    if len(left) == len(before):
        require(edit_findings(left, accept=False))


def _watched(jobs: Jobs, job: Job, display: Display, check: Callable[[], None]) -> Job:
    while True:
        current = _found(jobs, job, display, check)
        display.show(current)
        if current.state in ENDED:
            return current
        check()
        time.sleep(LOOK_SECONDS)


def _found(jobs: Jobs, job: Job, display: Display, check: Callable[[], None]) -> Job:
    """Return the job as the target has it; wait for a target that is away, as the job does."""
    is_told = False
    while True:
        try:
            current = jobs.get(job.id)
        except Retryable as error:
            if not is_told:
                display.away(error.message)
            is_told = True
            check()
            time.sleep(LOOK_SECONDS)
            continue
        if current is None:
            raise CdcError(f"the job {job.id} has vanished from the target")
        return current


@contextmanager
def _standing_in(config: Config, mappings: Mappings) -> Iterator[Callable[[], None]]:
    """Run the stream in a thread; yields a function that raises the thread's error."""
    daemon = Daemon(config, mappings)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            daemon.run()
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
            errors.append(error)

    def check() -> None:
        if errors:
            raise errors[0]

    thread = threading.Thread(target=run, name="stream", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        daemon.stop()
        thread.join()
