from __future__ import annotations

from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.writers.documents import Documents
from cdc.writers.namespaces import Namespaces


@pytest.mark.parametrize("characters", [10, 4_095, 4_096, 100_000])
def test_documents_of_any_size_are_fetched_by_their_ids(
    client: MongoClient[dict[str, Any]], database: str, characters: int
) -> None:
    written = [{"_id": number, "text": "x" * characters} for number in range(3)]
    client[database]["notes"].insert_many(written)
    documents = Documents(client, Namespaces(database, "state", "test"))

    ids = documents.ids("notes", after=None, limit=10, within={})
    fetched = documents.fetch("notes", ids[:2])

    assert [bson.decode(raw) for raw in fetched.values()] == written[:2]
    assert all(type(raw) is bytes for raw in fetched.values())


def test_long_ids_are_told(client: MongoClient[dict[str, Any]], database: str) -> None:
    long, longer = "x" * 5_000, "y" * 50_000
    client[database]["notes"].insert_many([{"_id": longer}, {"_id": long}])
    documents = Documents(client, Namespaces(database, "state", "test"))

    ids = documents.ids("notes", after=None, limit=10, within={})

    assert [type(each) for each in ids] == [bytes, bytes]
    assert [bson.decode(raw)["_id"] for raw in documents.fetch("notes", ids).values()] == [
        long,
        longer,
    ]
    assert documents.ids("notes", after=ids[0], limit=10, within={}) == ids[1:]
