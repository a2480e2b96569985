"""Inserts of tweets that embed their author, against the same without `embed`."""

from __future__ import annotations

from bench import loading, replication
from bench.catch_up import BATCH_ROWS, SAMPLED_ROWS, Side
from bench.embedding import authors
from bench.embedding.spread import spread
from bench.replication import Client
from bench.report import Table
from bench.stage import Stage

AUTHORS = 10_000
"""So many that a batch has thousands of them, and their names are not the same few each time."""

EMBEDDING, PLAIN = "with `embed`", "without"
GOAL = 0.6


def run(stage: Stage) -> Table:
    """Catch up with bulk transactions, once with the embed and once without it, in turns."""
    begin = stage.executed()
    authors.insert(stage, AUTHORS)
    load = loading.insert(stage, rows=stage.rows, authors=AUTHORS)
    sides = Side(EMBEDDING, load.rows, []), Side(PLAIN, load.rows, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {EMBEDDING}, then {PLAIN}")
            for side, mappings in zip(sides, (authors.EMBEDDING, authors.PLAIN), strict=True):
                names = stage.configure(
                    start=begin, apply={"batch_rows": BATCH_ROWS}, mappings=mappings
                )
                side.figures.append(replication.catch_up(stage, load, names, client))
                if mappings is authors.EMBEDDING and repeat == 0:
                    _check(client, names.database, load.rows)
                client.drop_database(names.database)
    return _table(*sides)


def _check(client: Client, database: str, rows: int) -> None:
    """Raise AssertionError unless all tweets are there, and sampled ones have their author."""
    documents = client[database]["tweets"]
    assert documents.count_documents({}) == rows, "documents are missing"
    for document in documents.aggregate([{"$sample": {"size": SAMPLED_ROWS}}]):
        assert document["author"] == authors.names(document["user_id"]), document["_id"]


def _table(embedding: Side, plain: Side) -> Table:
    table = Table("embedding: inserts of tweets with their author's two names")
    for side in (embedding, plain):
        row = side.row(f"{loading.BULK_TRANSACTION_ROWS:,} rows", plain)
        row["ratio"] = row.pop("ratio to A")
        table.rows.append(row)
    table.notes = [
        spread(
            [each.seconds for each in embedding.figures],
            [each.seconds for each in plain.figures],
            GOAL,
        ),
        f"{AUTHORS:,} authors, who are there before the clock runs; {SAMPLED_ROWS} tweets were"
        " compared with them",
    ]
    return table
