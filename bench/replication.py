"""The real daemon, from the start of its process until its checkpoint reaches a position."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from bench.loading import Load
from bench.processes import cpu_seconds, peak_megabytes
from bench.stage import Configured, Stage
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, GtidSet
from cdc_sandbox.demo.daemon import Daemon

POLL_SECONDS = 0.01
GIVEN_UP_AFTER_SECONDS = 600

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Caught:
    """The daemon's catching up; `seconds` count from its first checkpoint to the last."""

    seconds: float
    start_seconds: float
    cpu_seconds: float
    peak_megabytes: int


@contextmanager
def running(stage: Stage, names: Configured) -> Iterator[Daemon]:
    """Run the daemon for as long as the block lasts."""
    daemon = Daemon(names.path.parent)
    with closing(daemon):
        daemon.start()
        yield daemon
        daemon.stop()


def catch_up(stage: Stage, load: Load, names: Configured, client: Client) -> Caught:
    """Run the daemon until it has replicated a load into an empty target."""
    started = time.perf_counter()
    with running(stage, names) as daemon:
        wait_for(load.start, names, client, daemon)
        streaming, cpu = time.perf_counter(), cpu_seconds(daemon.pid)
        wait_for(load.end, names, client, daemon)
        ended = time.perf_counter()
        return Caught(
            seconds=ended - streaming,
            start_seconds=streaming - started,
            cpu_seconds=cpu_seconds(daemon.pid) - cpu,
            peak_megabytes=peak_megabytes(daemon.pid),
        )


def wait_for(end: str, names: Configured, client: Client, daemon: Daemon) -> None:
    """Wait until a majority has a checkpoint that holds the GTID set `end`."""
    wanted = GtidSet.parse(end)
    streams = client[names.state_database].get_collection(
        "streams", read_concern=ReadConcern("majority")
    )
    deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
    while not _reached(streams.find_one({"_id": names.stream}), wanted):
        daemon.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the daemon did not catch up; its log:\n{daemon.log_tail()}")
        time.sleep(POLL_SECONDS)


def _reached(document: dict[str, Any] | None, wanted: GtidSet) -> bool:
    if document is None:
        return False
    position = Checkpoint.from_document(document).position
    assert isinstance(position, GtidPosition)
    assert isinstance(position.gtids, GtidSet)
    return position.gtids.contains(wanted)
