"""Catching up by several lanes, whoever writes them, measured amid a longer catching up."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from bench import loading, replication
from bench.catch_up import BATCH_ROWS
from bench.loading import Load
from bench.processes import cpu_seconds, peak_megabytes
from bench.replication import Caught, Client, wait_until
from bench.stage import Configured, Stage, shipped
from cdc.model.position import GtidSet
from cdc_sandbox.demo.daemon import Daemon

OTHER_ROWS: Final = 60_000
"""The rows before the load, and the rows behind it.

Within those before it lanes are attended. Those behind it are more than a daemon reads ahead: what
it had read of the load when the clock began, it has read of them when that ends.
"""
OTHER_TABLE: Final = "tweets_besides"


@dataclass(frozen=True, slots=True)
class Crew:
    """Who writes so many lanes: threads of the daemon, or so many appliers."""

    lanes: int
    appliers: int = 0

    def __str__(self) -> str:
        lanes = f"{self.lanes} lane{'s' * (self.lanes > 1)}"
        if not self.appliers:
            return lanes
        return f"{lanes}, {self.appliers} applier{'s' * (self.appliers > 1)}"


def insert(stage: Stage, *, rows: int, transaction_rows: int) -> tuple[str, Load]:
    """Insert a load amid the rows of another table; return what was before, and the load."""
    before = _besides(stage)
    load = loading.insert(stage, rows=rows, transaction_rows=transaction_rows)
    _besides(stage)
    return before, load


def update(stage: Stage, *, rows: int) -> tuple[str, Load]:
    """Insert rows, then update any of them as many times, amid those of another table."""
    stage.source.execute("TRUNCATE TABLE twitter.tweets")  # of what earlier loads have left
    before = loading.insert(stage, rows=rows).start
    _besides(stage)
    load = loading.update_any(stage, rows=rows)
    _besides(stage)
    return before, load


def _besides(stage: Stage) -> str:
    """Insert the rows of the other table; return what was before."""
    stage.source.execute(f"CREATE TABLE IF NOT EXISTS twitter.{OTHER_TABLE} LIKE twitter.tweets")
    return loading.insert(stage, rows=OTHER_ROWS, table=OTHER_TABLE).start


def configure(stage: Stage, crew: Crew, start: str, kafka: str | None) -> Configured:
    """Write the configuration of a crew, behind the GTID set `start`."""
    apply: dict[str, object] = {"batch_rows": BATCH_ROWS, "lanes": crew.lanes}
    if crew.appliers:
        apply["kafka"] = {"bootstrap_servers": kafka}
    mappings = shipped(without=("embed", "indexes", "stamp"))
    mappings["besides"] = {"source": f"twitter.{OTHER_TABLE}", "target": "besides"}
    return stage.configure(start=start, apply=apply, mappings=mappings)


def catch_up(stage: Stage, crew: Crew, load: Load, names: Configured, client: Client) -> Caught:
    """Run a crew until it has replicated what is before a load, and the load.

    The clock runs from the first checkpoint behind all that is before the load, if there are
    appliers not before their lanes are attended, to the first one behind the load. What was
    measured of the rows between these two counts for as many as the load has.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        appliers = [
            stack.enter_context(
                replication.running(stage, names, "--role", "apply", name=f"applier-{number}")
            )
            for number in range(crew.appliers)
        ]
        wait_until(lambda: _have_lanes(appliers, crew.lanes), *appliers)
        role = ("--role", "read") if appliers else ()
        daemon = stack.enter_context(replication.running(stage, names, *role))
        if appliers:
            wait_until(lambda: bool(_events(daemon, "lanes_attended")), daemon, *appliers)
        begun = replication.wait_for(load.start, names, client, daemon)
        streaming, cpu, appliers_cpu = time.perf_counter(), cpu_seconds(daemon.pid), _cpu(appliers)
        ended = replication.wait_for(load.end, names, client, daemon)
        seconds, cpu = time.perf_counter() - streaming, cpu_seconds(daemon.pid) - cpu
        appliers_cpu, peak = _cpu(appliers) - appliers_cpu, peak_megabytes(daemon.pid)
    rows = _rows_to(ended, load) - _rows_to(begun, load)
    assert rows > 0, "nothing was left to measure: take more rows"
    whole = load.rows / rows
    return Caught(
        seconds=whole * seconds,
        start_seconds=streaming - started,
        cpu_seconds=whole * cpu,
        peak_megabytes=peak,
        appliers_cpu_seconds=whole * appliers_cpu if crew.appliers else None,
    )


def _rows_to(position: GtidSet, load: Load) -> int:
    """Return the rows between the beginning of a load and a position behind that."""
    passed = len(position) - len(GtidSet.parse(load.start))
    of_load = min(passed, load.rows // load.transaction_rows)
    return of_load * load.transaction_rows + (passed - of_load) * loading.BULK_TRANSACTION_ROWS


def _cpu(appliers: Sequence[Daemon]) -> float:
    return sum(cpu_seconds(each.pid) for each in appliers)


def _have_lanes(appliers: Sequence[Daemon], count: int) -> bool:
    """Return whether each applier has lanes, all of them together."""
    given = [_events(each, "lanes_given") for each in appliers]
    have = [each[-1]["lanes"] if each else [] for each in given]
    return all(have) and sum(map(len, have)) == count * bool(appliers)


def _events(program: Daemon, event: str) -> list[dict[str, Any]]:
    """Return what a program has logged of an event."""
    lines = program.log.read_text().splitlines()
    return [json.loads(each) for each in lines if f'"{event}"' in each]
