"""The first copy by several workers, from a held stream to its beginning."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import asdict
from statistics import median

import pymysql
from pymysql.cursors import SSCursor

from bench import catch_up, loading, replication
from bench.backfill import TABLE
from bench.catch_up import BATCH_ROWS, INSERTED, Side
from bench.processes import children, cpu_seconds, cpu_seconds_of_children, peak_megabytes
from bench.replication import Caught, Client, wait_until
from bench.report import Table
from bench.stage import Configured, Stage
from cdc.model.first_copy import COPYING, RANGES

WORKERS = (2, 4)


def run(stage: Stage) -> list[Table]:
    """Measure the held copy of a table by so many workers, and what it costs the source."""
    stage.source.execute("SET FOREIGN_KEY_CHECKS = 0")
    stage.source.execute(f"DELETE FROM {TABLE}")
    load = loading.insert(stage, rows=stage.rows)
    sides = {count: Side(f"{count} workers", load.rows, []) for count in WORKERS}
    inserted = Side(INSERTED, load.rows, [])
    source_cpu: dict[str, list[float]] = {each.name: [] for each in sides.values()}
    selected: list[float] = []
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: workers, then {INSERTED}")
            for count, side in sides.items():
                names = stage.configure(
                    start=None, apply={"batch_rows": BATCH_ROWS}, chunks={"workers": count}
                )
                cpu = cpu_seconds(stage.source.pid)
                side.figures.append(_copy(stage, names, client))
                source_cpu[side.name].append(cpu_seconds(stage.source.pid) - cpu)
                if count == WORKERS[-1]:
                    catch_up.compare_sample(stage, load, client, names.database)
                    inserted.figures.append(catch_up.insert_only(stage, client, names.database))
                client.drop_database(names.database)
            selected.append(_select(stage))
    table = Table("first copy: rows → documents, by processes that share the ranges of one table")
    table.rows = [
        side.row("5,000 rows", inserted)
        | {"source CPU, of a SELECT": round(median(source_cpu[side.name]) / median(selected), 2)}
        for side in sides.values()
    ]
    table.rows.append(inserted.row("5,000 rows", inserted) | {"source CPU, of a SELECT": None})
    table.notes = [
        f"medians of {stage.repeats} interleaved runs; the clock runs from the first range's cut,"
        " when the workers have started, until the stream begins",
        "processor time and memory are those of the daemon and its workers, the largest of these",
        "the source's processor time while it is copied is compared with that of one SELECT of"
        " the whole table, read row by row",
        f"A inserts the same documents, encoded before, {BATCH_ROWS:,} a transaction at majority",
    ]
    return [table]


def _copy(stage: Stage, names: Configured, client: Client) -> Caught:
    started = time.perf_counter()
    states = client[names.state_database]
    with replication.running(stage, names) as daemon:
        wait_until(lambda: bool(states[RANGES].find_one({"is_tail": {"$exists": False}})), daemon)
        copying, peak = time.perf_counter(), 0

        def begun() -> bool:
            nonlocal peak
            state = states["streams"].find_one({"_id": names.stream})
            if state is not None and COPYING not in state:
                return True
            for pid in (daemon.pid, *children(daemon.pid)):
                with suppress(FileNotFoundError, ProcessLookupError, AssertionError):  # it ended
                    peak = max(peak, peak_megabytes(pid))
            return False

        wait_until(begun, daemon)
        return Caught(
            seconds=time.perf_counter() - copying,
            start_seconds=copying - started,
            cpu_seconds=cpu_seconds(daemon.pid) + cpu_seconds_of_children(daemon.pid),
            peak_megabytes=peak,
        )


def _select(stage: Stage) -> float:
    """Return the source's processor time for a SELECT of the whole table."""
    cpu = cpu_seconds(stage.source.pid)
    login = stage.login()
    with (
        closing(pymysql.connect(**asdict(login), cursorclass=SSCursor)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT * FROM {TABLE}")
        while cursor.fetchmany(BATCH_ROWS):
            pass
    return cpu_seconds(stage.source.pid) - cpu
