"""Updates: from the binlog to documents that a majority has, against the same update commands."""

from __future__ import annotations

import time
from typing import Any, cast

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from bench import loading, replication
from bench.catch_up import BATCH_ROWS, CDC, Side, compare_sample
from bench.inserting import MAJORITY, RAW
from bench.loading import Load
from bench.processes import alone, peak_megabytes
from bench.replication import Caught, Client
from bench.report import Table
from bench.stage import Stage
from cdc.model.operation import Operation, OperationKind
from cdc.writers.commands import Command

TRANSACTION_ROWS = 100
UPDATED = "A: only updated"


def run(stage: Stage) -> list[Table]:
    """Catch up with updates of all rows, then send the commands of the same documents, in turns."""
    stage.source.execute("TRUNCATE TABLE twitter.tweets")  # of what other scenarios have left
    inserted = loading.insert(stage, rows=stage.rows)
    with stage.target.client(w="majority") as client:
        before = stage.configure(start=inserted.start, apply={"batch_rows": BATCH_ROWS})
        replication.catch_up(stage, inserted, before, client)
        load = loading.update(stage, rows=stage.rows, transaction_rows=TRANSACTION_ROWS)
        replicated, updated = Side(CDC, load.rows, []), Side(UPDATED, load.rows, [])
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {CDC}, then {UPDATED}")
            caught, after = _replicated(stage, load, client, before.database)
            replicated.figures.append(caught)
            updated.figures.append(_only_updated(stage, client, before.database, after))
            client.drop_database(after)
    table = Table("updates: binlog → documents and checkpoint that a majority has")
    table.rows = [
        side.row(f"{TRANSACTION_ROWS} updates", updated) for side in (replicated, updated)
    ]
    table.notes = [
        f"medians of {stage.repeats} interleaved runs, from the daemon's first checkpoint to its"
        " last; the documents are there before",
        f"A sends the commands that cdc sends, encoded before, {BATCH_ROWS:,} a transaction",
    ]
    return [table]


def _replicated(stage: Stage, load: Load, client: Client, before: str) -> tuple[Caught, str]:
    """Catch up with the updates, in a copy of the documents; return its database too."""
    names = stage.configure(start=load.start, apply={"batch_rows": BATCH_ROWS})
    _copy(client, before, names.database)
    caught = replication.catch_up(stage, load, names, client)
    compare_sample(stage, load, client, names.database)
    return caught, names.database


def _only_updated(stage: Stage, client: Client, before: str, after: str) -> Caught:
    into = f"{after}_updated"
    _copy(client, before, into)
    caught = alone(update_encoded, stage.target.uri, after, into, batch_rows=BATCH_ROWS)
    client.drop_database(into)
    return caught


def _copy(client: Client, database: str, into: str) -> None:
    client[database]["tweets"].aggregate([{"$out": {"db": into, "coll": "tweets"}}])


def update_encoded(uri: str, database: str, into: str, *, batch_rows: int) -> Caught:
    """Make the documents of `into` those of `database`, by commands encoded before."""
    with MongoClient[dict[str, Any]](uri, w="majority") as client:
        found = client[database].get_collection("tweets", codec_options=RAW).find({})
        operations = [_replace(cast(RawBSONDocument, each)) for each in found]
        commands = [
            Command("tweets", OperationKind.REPLACE, operations[at : at + batch_rows]).body()
            for at in range(0, len(operations), batch_rows)
        ]
        started, cpu = time.perf_counter(), time.process_time()
        with client.start_session() as session:
            for command in commands:
                with session.start_transaction(ReadConcern("snapshot"), MAJORITY):
                    client[into].command(command, session=session)
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return Caught(seconds, 0.0, used, peak_megabytes())


def _replace(document: RawBSONDocument) -> Operation:
    number = document["_id"]
    return Operation(
        OperationKind.REPLACE, b"\x12" + number.to_bytes(8, "little"), bytes(document.raw)
    )
