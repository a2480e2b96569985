"""The real daemon, from the start of its process until its checkpoint reaches a position."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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
    """The daemon's catching up; `seconds` count from its first checkpoint to the last.

    Processor time and memory are the daemon's; `appliers_cpu_seconds` is that of all appliers.
    """

    seconds: float
    start_seconds: float
    cpu_seconds: float
    peak_megabytes: int
    appliers_cpu_seconds: float | None = None


@contextmanager
def running(
    stage: Stage, names: Configured, *arguments: str, name: str = "daemon"
) -> Iterator[Daemon]:
    """Run the daemon for as long as the block lasts; `arguments` are more of `cdc run`."""
    daemon = Daemon(names.path.parent, *arguments, name=name)
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


def wait_for(end: str, names: Configured, client: Client, daemon: Daemon) -> GtidSet:
    """Wait until a majority has a checkpoint that holds the GTID set `end`; return its own."""
    wanted = GtidSet.parse(end)
    streams = client[names.state_database].get_collection(
        "streams", read_concern=ReadConcern("majority")
    )
    found = GtidSet()

    def reached() -> bool:
        nonlocal found
        found = _position(streams.find_one({"_id": names.stream}))
        return found.contains(wanted)

    wait_until(reached, daemon)
    return found


def wait_until(condition: Callable[[], bool], *programs: Daemon) -> None:
    """Wait until a condition holds, for as long as these programs live."""
    deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
    while not condition():
        for each in programs:
            each.check()
        if time.monotonic() > deadline:
            logs = "\n".join(each.log_tail() for each in programs)
            raise TimeoutError(f"it took too long; the end of each log:\n{logs}")
        time.sleep(POLL_SECONDS)


def _position(document: dict[str, Any] | None) -> GtidSet:
    """Return the GTID set of a stream's document, empty without one."""
    if document is None:
        return GtidSet()
    position = Checkpoint.from_document(document).position
    assert isinstance(position, GtidPosition)
    assert isinstance(position.gtids, GtidSet)
    return position.gtids
