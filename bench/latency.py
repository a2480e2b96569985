"""Latency: from a commit in the source until a majority shows its documents in the target."""

from __future__ import annotations

import multiprocessing
from bisect import bisect_left
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

from bench import loading, observing, replication
from bench.observing import Committed, Order, Seen
from bench.replication import Client
from bench.report import Figure, Table
from bench.stage import Stage

LOADED_TRANSACTION_ROWS = 100
LOADED_SECONDS = 10
IDLE_TRANSACTIONS_PER_SECOND = 10
IDLE_SECONDS = 20
CATCH_UP_SHARE = 0.25
"""The share of the run's rows for the catch-up that measures half the load."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of the writer's commits: transactions of so many rows, so many a second."""

    name: str
    transaction_rows: int
    transactions_per_second: float
    seconds: int


def run(stage: Stage) -> list[Table]:
    """Measure at half of the load that a daemon behind catches up with, and nearly idle."""
    table = Table("latency: commit in MySQL → visible to a majority in MongoDB, milliseconds")
    with stage.target.client(w="majority") as client:
        rate = _catch_up_rate(stage, client)
        for pace in (
            Pace(
                "half of catching up",
                LOADED_TRANSACTION_ROWS,
                rate / 2 / LOADED_TRANSACTION_ROWS,
                LOADED_SECONDS,
            ),
            Pace("nearly idle", 1, IDLE_TRANSACTIONS_PER_SECOND, IDLE_SECONDS),
        ):
            table.rows.append(_measure(stage, client, pace))
    table.notes = [
        f"catching up was measured at {rate:,.0f} rows/s just before, in transactions of 1,000",
        "one writer, which notes the time when its commit returns; another process looks for the"
        f" newest document every {observing.POLL_SECONDS * 1000:g} ms, so that much is the error",
    ]
    return [table]


def _catch_up_rate(stage: Stage, client: Client) -> float:
    load = loading.insert(stage, rows=int(stage.rows * CATCH_UP_SHARE))
    names = stage.configure(start=load.start, apply={})
    seconds = replication.catch_up(stage, load, names, client).seconds
    client.drop_database(names.database)
    return load.rows / seconds


def _measure(stage: Stage, client: Client, pace: Pace) -> dict[str, Figure]:
    stage.say(f"{pace.name}: {pace.transactions_per_second:.0f} transactions/s")
    start = stage.executed()
    names = stage.configure(start=start, apply={})
    with replication.running(stage, names) as daemon:
        replication.wait_for(start, names, client, daemon)
        committed, seen = _play(stage, names.database, pace)
        replication.wait_for(stage.executed(), names, client, daemon)
    client.drop_database(names.database)
    return _row(pace, committed, latencies(committed, seen))


def _play(stage: Stage, database: str, pace: Pace) -> tuple[list[Committed], list[Seen]]:
    """Run a writing process beside a reading one, until that has seen the last row."""
    transactions = int(pace.seconds * pace.transactions_per_second)
    first_id = stage.number() * loading.IDS_APART
    order = Order(first_id, pace.transaction_rows, transactions, pace.transactions_per_second)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        seen = pool.submit(observing.watch, stage.target.uri, database, until=order.last_id)
        committed = pool.submit(observing.write, stage.login(), order)
        return committed.result(), seen.result()


def latencies(committed: list[Committed], seen: list[Seen]) -> list[float]:
    """Return the seconds from each commit to the first look that showed its last row."""
    newest = [each.newest_id for each in seen]
    return [seen[bisect_left(newest, each.last_id)].at - each.at for each in committed]


def _row(pace: Pace, committed: list[Committed], found: list[float]) -> dict[str, Figure]:
    seconds = committed[-1].at - committed[0].at
    reached = (len(committed) - 1) / seconds
    cuts = quantiles(found, n=100)
    return {
        "load": pace.name,
        "rows/transaction": pace.transaction_rows,
        "transactions": len(committed),
        "asked rows/s": round(pace.transactions_per_second * pace.transaction_rows),
        "reached rows/s": round(reached * pace.transaction_rows),
        "p50 ms": round(1000 * cuts[49], 1),
        "p99 ms": round(1000 * cuts[98], 1),
        "max ms": round(1000 * max(found), 1),
    }
