"""Baseline A: documents that are encoded already, only inserted, by one process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.processes import peak_megabytes
from bench.replication import Caught

MAJORITY = WriteConcern("majority", j=True)
RAW = CodecOptions(document_class=RawBSONDocument)


def insert_encoded(
    uri: str,
    database: str,
    into: str,
    *,
    batch_rows: int,
    collections: Sequence[str] = ("tweets",),
) -> Caught:
    """Read the documents of `database` back raw and insert them into `into`, in transactions."""
    with MongoClient[dict[str, Any]](uri, w="majority") as client:
        documents = {}
        for name in collections:
            raw = client[database].get_collection(name, codec_options=RAW)
            documents[name] = list(raw.find({}, batch_size=batch_rows))
            client[into].create_collection(name)
        started, cpu = time.perf_counter(), time.process_time()
        with client.start_session() as session:
            for name, whole in documents.items():
                target = client[into].get_collection(name, codec_options=RAW)
                for at in range(0, len(whole), batch_rows):
                    with session.start_transaction(ReadConcern("snapshot"), MAJORITY):
                        target.insert_many(whole[at : at + batch_rows], session=session)
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return Caught(seconds, 0.0, used, peak_megabytes())
