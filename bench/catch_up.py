"""Catching up: from the binlog to documents that a majority has, against two baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench import by_hand, inserting, loading, replication
from bench.loading import Load
from bench.processes import alone
from bench.replication import Caught, Client
from bench.report import Figure, Table
from bench.stage import Stage
from cdc_sandbox.demo.expectation import own_tweet
from cdc_sandbox.demo.rows import TweetRow
from cdc_sandbox.demo.values import differences

BATCH_ROWS = 5_000
BY_HAND_ROWS = 5_000
SAMPLED_ROWS = 500

CDC, INSERTED, BY_HAND = "cdc run", "A: only inserted", "B: by hand"


@dataclass(frozen=True, slots=True)
class Side:
    """One side's results on one load; `figures` of each repetition."""

    name: str
    rows: int
    figures: list[Caught]

    @property
    def rows_per_second(self) -> float:
        """The median of the repetitions."""
        return self.rows / median([each.seconds for each in self.figures])

    def row(self, transactions: str, inserted: Side) -> dict[str, Figure]:
        """Return the side as a row of the table, compared with baseline A."""
        return {
            "transactions": transactions,
            "side": self.name,
            "rows": self.rows,
            "rows/s": round(self.rows_per_second),
            "ratio to A": round(self.rows_per_second / inserted.rows_per_second, 2),
            "CPU µs/row": round(
                1e6 * median([each.cpu_seconds for each in self.figures]) / self.rows, 1
            ),
            "peak MB": max(each.peak_megabytes for each in self.figures),
        }


def run(stage: Stage) -> list[Table]:
    """Measure bulk transactions, then single-row ones."""
    table = Table("catch_up: binlog → documents and checkpoint that a majority has")
    singles = loading.singles(stage)
    for name, rows, transaction_rows in (
        ("1,000 rows", stage.rows, loading.BULK_TRANSACTION_ROWS),
        ("1 row", singles, 1),
    ):
        load = loading.insert(stage, rows=rows, transaction_rows=transaction_rows)
        sides = _measure(stage, load)
        table.rows += [side.row(name, sides[1]) for side in sides]
    table.notes = [
        f"medians of {stage.repeats} interleaved runs; the clock runs from the daemon's first"
        " checkpoint, when it is connected on both sides, to its last",
        f"A inserts the same documents, encoded before, {BATCH_ROWS:,} a transaction at majority",
        f"B runs once, over the first rows; {SAMPLED_ROWS} documents were compared with their rows",
    ]
    return [table]


def _measure(stage: Stage, load: Load) -> list[Side]:
    replicated, inserted = Side(CDC, load.rows, []), Side(INSERTED, load.rows, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {CDC}, then {INSERTED}")
            names = stage.configure(start=load.start, apply={"batch_rows": BATCH_ROWS})
            replicated.figures.append(replication.catch_up(stage, load, names, client))
            if repeat == 0:
                compare_sample(stage, load, client, names.database)
            inserted.figures.append(insert_only(stage, client, names.database))
            client.drop_database(names.database)
        return [replicated, inserted, _by_hand(stage, load, client)]


def insert_only(
    stage: Stage, client: Client, database: str, collections: Sequence[str] = ("tweets",)
) -> Caught:
    """Insert the documents of a database into another one, and drop that."""
    into = f"{database}_inserted"
    caught = alone(
        inserting.insert_encoded,
        stage.target.uri,
        database,
        into,
        batch_rows=BATCH_ROWS,
        collections=collections,
    )
    client.drop_database(into)
    return caught


def _by_hand(stage: Stage, load: Load, client: Client) -> Side:
    rows, database = min(BY_HAND_ROWS, load.rows), f"bench_by_hand_{stage.number()}"
    stage.say(f"{BY_HAND}: {rows:,} rows")
    caught = alone(
        by_hand.replicate,
        connection_settings(stage),
        stage.target.uri,
        database,
        start=load.start,
        rows=rows,
    )
    client.drop_database(database)
    return Side(BY_HAND, rows, [caught])


def connection_settings(stage: Stage) -> dict[str, Any]:
    """Return mysql-replication's settings for the source."""
    source = stage.source
    return {
        "host": source.host,
        "port": source.port,
        "user": source.user,
        "passwd": source.password,
        "charset": "utf8mb4",
    }


def compare_sample(stage: Stage, load: Load, client: Client, database: str) -> None:
    """Raise AssertionError unless the target holds the load, and sampled documents are right."""
    documents = client[database]["tweets"]
    assert documents.count_documents({}) == load.rows, "documents are missing"
    for document in documents.aggregate([{"$sample": {"size": SAMPLED_ROWS}}]):
        row = _row(stage, load, int(document["_id"]))
        found = list(differences(own_tweet(row), document))
        assert not found, f"tweet {row['id']} differs: {found}"


def _row(stage: Stage, load: Load, tweet_id: int) -> dict[str, Any]:
    columns = ", ".join(TweetRow._fields)
    [values] = stage.source.execute(
        f"SELECT {columns} FROM twitter.{load.table} WHERE id = %s", (tweet_id,)
    )
    return dict(zip(TweetRow._fields, values, strict=True))
