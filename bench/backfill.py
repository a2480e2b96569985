"""Backfill: from the rows of a table to documents and progress that a majority has."""

from __future__ import annotations

import time

from bench import catch_up, loading, replication
from bench.catch_up import BATCH_ROWS, CDC, INSERTED, Side
from bench.processes import cpu_seconds, peak_megabytes
from bench.replication import GIVEN_UP_AFTER_SECONDS, POLL_SECONDS, Caught, Client
from bench.report import Table
from bench.stage import Configured, Stage
from cdc.model.job import JOBS, JobState
from cdc_sandbox.demo.daemon import Daemon

TABLE = "twitter.tweets"


def run(stage: Stage) -> list[Table]:
    """Measure the copy of a table beside a stream that has nothing to do."""
    stage.source.execute("SET FOREIGN_KEY_CHECKS = 0")
    stage.source.execute(f"DELETE FROM {TABLE}")
    load = loading.insert(stage, rows=stage.rows)
    replicated, inserted = Side(CDC, load.rows, []), Side(INSERTED, load.rows, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {CDC}, then {INSERTED}")
            names = stage.configure(start=None, apply={"batch_rows": BATCH_ROWS})
            replicated.figures.append(_copy(stage, names, client))
            if repeat == 0:
                catch_up.compare_sample(stage, load, client, names.database)
            inserted.figures.append(catch_up.insert_only(stage, client, names.database))
            client.drop_database(names.database)
    table = Table("backfill: rows → documents and progress that a majority has")
    table.rows = [side.row("5,000 rows", inserted) for side in (replicated, inserted)]
    table.notes = [
        f"medians of {stage.repeats} interleaved runs; the clock runs while the job does",
        f"A inserts the same documents, encoded before, {BATCH_ROWS:,} a transaction at majority",
    ]
    return [table]


def _copy(stage: Stage, names: Configured, client: Client) -> Caught:
    started = time.perf_counter()
    with replication.running(stage, names) as daemon:
        _wait_for(JobState.RUNNING, names, client, daemon)
        copying, cpu = time.perf_counter(), cpu_seconds(daemon.pid)
        _wait_for(JobState.DONE, names, client, daemon)
        return Caught(
            seconds=time.perf_counter() - copying,
            start_seconds=copying - started,
            cpu_seconds=cpu_seconds(daemon.pid) - cpu,
            peak_megabytes=peak_megabytes(daemon.pid),
        )


def _wait_for(state: JobState, names: Configured, client: Client, daemon: Daemon) -> None:
    jobs = client[names.state_database][JOBS]
    wanted = {"table": TABLE, "state": {"$in": [state.value, JobState.DONE.value]}}
    deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
    while jobs.find_one(wanted) is None:
        daemon.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the table was not copied; the daemon's log:\n{daemon.log_tail()}")
        time.sleep(POLL_SECONDS)
