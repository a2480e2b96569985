"""An author with many tweets changes their name: how soon do these have it, and what is the lag."""

from __future__ import annotations

import time
from statistics import median

from pymongo.read_concern import ReadConcern

from bench import loading, replication
from bench.embedding import authors, probing
from bench.embedding.spread import spread
from bench.processes import cpu_seconds
from bench.replication import GIVEN_UP_AFTER_SECONDS, POLL_SECONDS, Client
from bench.report import Table
from bench.stage import Configured, Stage
from cdc_sandbox.demo.daemon import Daemon

TWEETS = 100_000
AUTHOR = 1
GOAL = 0.5
MOST_LAG_MS = 1_000
CDC, UPDATE_MANY = "cdc run", "updateMany"


def run(stage: Stage) -> Table:
    """Rename in MySQL, then in MongoDB alone by updateMany, in turns, beside a daemon."""
    probing.create(stage)
    begin = stage.executed()
    authors.insert(stage, AUTHOR)
    load = loading.insert(stage, rows=TWEETS, authors=AUTHOR)
    mappings = {**authors.EMBEDDING, "probes": probing.MAPPING}
    names = stage.configure(start=begin, apply={}, mappings=mappings)
    derived: list[float] = []
    updated: list[float] = []
    lags: list[float] = []
    used = 0.0
    with (
        stage.target.client(w="majority") as client,
        replication.running(stage, names) as daemon,
    ):
        replication.wait_for(load.end, names, client, daemon)
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {CDC}, then {UPDATE_MANY}")
            before = cpu_seconds(daemon.pid)
            seconds, probed = _rename(stage, names, client, daemon, f"Renamed {repeat}")
            used += cpu_seconds(daemon.pid) - before
            derived.append(seconds)
            lags += probed
            updated.append(_update_many(client, names, f"Elsewhere {repeat}"))
    return _table(derived, updated, lags, used / stage.repeats)


def _rename(
    stage: Stage, names: Configured, client: Client, daemon: Daemon, name: str
) -> tuple[float, list[float]]:
    """Return the seconds until all tweets have the new name, and the lags meanwhile."""
    with probing.probing(stage, client, names.database) as probe:
        stage.source.execute("UPDATE twitter.users SET name = %s WHERE id = %s", (name, AUTHOR))
        started = time.perf_counter()
        replication.wait_for(stage.executed(), names, client, daemon)
        _wait_until_nothing_is_owed(client, names, daemon)
        seconds = time.perf_counter() - started
    reached = client[names.database]["tweets"].count_documents({"author.name": name})
    assert reached == TWEETS, f"{reached} of {TWEETS} tweets have the new name"
    return seconds, probe.lags


def _wait_until_nothing_is_owed(client: Client, names: Configured, daemon: Daemon) -> None:
    debts = client[names.state_database].get_collection(
        "debts", read_concern=ReadConcern("majority")
    )
    deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
    while debts.find_one() is not None:
        daemon.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the debt was not paid; the daemon's log:\n{daemon.log_tail()}")
        time.sleep(POLL_SECONDS)


def _update_many(client: Client, names: Configured, name: str) -> float:
    """Return the seconds that MongoDB's own update of the field takes."""
    started = time.perf_counter()
    done = client[names.database]["tweets"].update_many(
        {"user_id": AUTHOR}, {"$set": {"author.name": name}}
    )
    seconds = time.perf_counter() - started
    assert done.modified_count == TWEETS
    return seconds


def _table(derived: list[float], updated: list[float], lags: list[float], used: float) -> Table:
    table = Table(f"embedding: the author of {TWEETS:,} tweets changes their name")
    for side, seconds in ((CDC, derived), (UPDATE_MANY, updated)):
        table.rows.append(
            {
                "side": side,
                "seconds": round(median(seconds), 2),
                "documents/s": round(TWEETS / median(seconds)),
                "ratio": round(median(updated) / median(seconds), 2),
            }
        )
    milliseconds = [1000 * each for each in lags]
    table.notes = [
        spread(derived, updated, GOAL),
        f"{CDC} uses {1e6 * used / TWEETS:.0f} µs of CPU a document",
        f"rows of another table, one each {1000 * probing.INTERVAL_SECONDS:g} ms meanwhile, are"
        f" there after {median(milliseconds):.0f} ms (median), {max(milliseconds):.0f} ms at most;"
        f" goal {MOST_LAG_MS:,} ms",
    ]
    return table
