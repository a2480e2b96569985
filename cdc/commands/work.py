"""`cdc work`: one more worker of a stream's first copy."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import click
import structlog

from cdc import log
from cdc.chunks.first_copy.worker import CopyWorker
from cdc.chunks.source_table import SourceTables
from cdc.chunks.throttle import Throttle
from cdc.commands import config_option
from cdc.commands.run import GC_THRESHOLD
from cdc.config import Config
from cdc.daemon.signals import stopped_by_signals
from cdc.errors import Retryable, UsageError
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.project import load_project
from cdc.model.lease import LeaseWatch, Owner, this_process
from cdc.preflight.run import require_fit
from cdc.retry import Stopped, retry_until_done
from cdc.terminal.spelling import spelling
from cdc.writers.concerns import MAJORITY
from cdc.writers.connection import Client, connect_target
from cdc.writers.dead_letters.ledger import Limits as LetterLimits
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, WriteObserver
from cdc.writers.ranges import Ranges
from cdc.writers.sharding import Sharding
from cdc.writers.stream_state import StreamState
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.writer import MongoWriter


@click.command()
@config_option
@click.option("--with-stdin", is_flag=True, hidden=True, help="End once standard input ends.")
def work(config_path: Path, with_stdin: bool) -> None:
    """Help with the first copy of a stream, until it is done.

    `cdc run` holds a new stream while its tables are copied, where chunks.workers is above 1. Run
    this on other machines to have it copied sooner, with the same configuration and mappings. It
    waits for a stream that has not begun its copy, and ends with 0 once the stream runs, or at once
    if it runs already.
    """
    work_until_done(config_path, with_stdin=with_stdin)


def work_until_done(
    config_path: Path, *, with_stdin: bool = False, observer: WriteObserver = UNOBSERVED
) -> None:
    """Work in this process; `observer` observes what it writes."""
    config, mappings = load_project(config_path)
    if config.apply.mode != "exactly_once":
        raise UsageError(
            f"workers make no first copy with apply.mode: {config.apply.mode}",
            remedy="leave it to the daemon, which copies the tables beside the stream: cdc run",
        )
    log.configure(config.log, spelling())
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    stop = _Stop()
    if with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(stop,), daemon=True).start()
    with suppress(Stopped), stopped_by_signals(stop):
        if not with_stdin:  # the daemon has examined its own
            _require_fit(config, mappings, stop.asked)
        with connect_target(config.target) as client:
            worker = _worker(config, mappings, client, observer)
            stop.to(worker)
            if worker.run() and not with_stdin:  # a daemon knows of its own
                structlog.get_logger(__name__).info(
                    "nothing_to_copy",
                    stream=config.name,
                    why="the stream has begun: what is left to copy, its daemon copies",
                    remedy="see whether there is any: cdc jobs list",
                )


class _Stop:
    """Stops the worker, also one that is only being made: signals come at any time."""

    def __init__(self) -> None:
        self._worker: CopyWorker | None = None
        self.asked = threading.Event()

    def __call__(self) -> None:
        self.asked.set()
        if self._worker is not None:
            self._worker.stop()

    def to(self, worker: CopyWorker) -> None:
        """Stop this one."""
        self._worker = worker
        if self.asked.is_set():
            worker.stop()


def _require_fit(config: Config, mappings: tuple[Mapping, ...], stopping: threading.Event) -> None:
    """Raise what keeps this machine from helping: else the tables that it reads would fail."""
    retry_until_done(
        lambda: require_fit(config, mappings, accept_edits=True),  # the worker compares them
        event="worker_retry",
        passing=lambda error: isinstance(error, Retryable),
        stopping=stopping,
    )


def _stop_with_stdin(stop: _Stop) -> None:
    """Wait for its end below Python's buffer: whose lock a thread holds, as the program ends."""
    while os.read(sys.stdin.fileno(), 1 << 10):
        pass
    stop()


def _worker(
    config: Config, mappings: tuple[Mapping, ...], client: Client, observer: WriteObserver
) -> CopyWorker:
    router = TableRouter(mappings)
    chunks = config.chunks
    rate = chunks.rows_per_second
    throttle = Throttle(
        rows_per_second=None if rate is None else rate / chunks.workers,
        max_lag_seconds=0.0,
        lag_seconds=lambda: 0.0,  # the stream has not begun
    )
    ranges = Ranges.of(config, client)
    return CopyWorker(
        config.name,
        config.target.database,
        ranges,
        router,
        lambda accept: SourceTables(config, router, throttle, accept=accept),
        throttle,
        partial(_range_writer, config, mappings, client, this_process(), observer, ranges.watch),
        chunk_rows=chunks.rows,
    )


def _range_writer(
    config: Config,
    mappings: tuple[Mapping, ...],
    client: Client,
    owner: Owner,
    observer: WriteObserver,
    watch: LeaseWatch,
    range_id: str,
) -> MongoWriter:
    """Return the writer of one range."""
    letters, lease_seconds = config.dead_letters, config.lease.ttl_seconds
    states = client.get_database(config.target.state_database, write_concern=MAJORITY)
    return MongoWriter(
        client,
        Namespaces.of(config, mappings),
        transactional=True,
        lease_seconds=lease_seconds,
        observer=observer,
        letter_limits=LetterLimits(letters.max, letters.window_seconds),
        stamps=SyncTimestamps.of(mappings),
        sharding=Sharding.of(mappings),
        range_state=StreamState(
            states,
            config.name,
            ttl_seconds=lease_seconds,
            owner=owner,
            range_id=range_id,
            watch=watch,
        ),
    )
