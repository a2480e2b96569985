"""Baseline B: a hand-written loop with mysql-replication and pymongo."""

from __future__ import annotations

import time
from typing import Any

from pymongo import DeleteOne, InsertOne, MongoClient, ReplaceOne
from pymongo.write_concern import WriteConcern
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import GtidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from bench.processes import peak_megabytes
from bench.replication import Caught

SERVER_ID = 77_001
CHECKPOINT_EVERY_ROWS = 1_000

Document = dict[str, Any]
Write = InsertOne[Document] | ReplaceOne[Document] | DeleteOne


def replicate(
    connection: dict[str, Any], uri: str, database: str, *, start: str, rows: int
) -> Caught:
    """Replicate the first rows behind `start`: a bulk write for each rows event.

    It is at least once at best: documents and position are written separately.
    """
    stream = BinLogStreamReader(
        connection_settings=connection,
        server_id=SERVER_ID,
        auto_position=start,
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent, GtidEvent],
        only_schemas=["twitter"],
        only_tables=["tweets"],
        enable_logging=False,
    )
    with MongoClient[Document](uri, w="majority") as client:
        target = client[database]
        done, saved, gtid = 0, 0, ""
        target.create_collection("tweets")
        started, cpu = time.perf_counter(), time.process_time()
        for event in stream:
            if isinstance(event, GtidEvent):
                if done - saved >= CHECKPOINT_EVERY_ROWS:
                    target.checkpoint.update_one(
                        {"_id": "tweets"}, {"$set": {"gtid": gtid}}, upsert=True
                    )
                    saved = done
                gtid = event.gtid
                if done >= rows:
                    break
                continue
            writes = [_write(event, row) for row in event.rows]
            target.get_collection("tweets", write_concern=WriteConcern("majority")).bulk_write(
                writes
            )
            done += len(writes)
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    stream.close()
    assert done >= rows
    return Caught(seconds * rows / done, 0.0, used * rows / done, peak_megabytes())


def _write(event: object, row: Document) -> Write:
    if isinstance(event, WriteRowsEvent):
        return InsertOne(_document(row["values"]))
    if isinstance(event, UpdateRowsEvent):
        document = _document(row["after_values"])
        return ReplaceOne({"_id": document["_id"]}, document, upsert=True)
    return DeleteOne({"_id": row["values"]["id"]})


def _document(values: Document) -> Document:
    document = {name: value for name, value in values.items() if name != "id"}
    for name in ("entities", "place"):
        document[name] = _text(values[name])
    return {"_id": values["id"], **document}


def _text(value: Any) -> Any:
    """Decode the bytes that the library leaves inside JSON."""
    match value:
        case bytes():
            return value.decode()
        case dict():
            return {_text(key): _text(each) for key, each in value.items()}
        case list():
            return [_text(each) for each in value]
    return value
