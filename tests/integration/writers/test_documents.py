from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from cdc.mapping.compile.shard_ownership import own_documents
from cdc.mapping.file.mapping import Mapping
from cdc.model.document_id import query
from cdc.writers.documents import Documents, document_id
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


@pytest.mark.parametrize(
    "constants", [[{"source": "stream"}], [{"value": 5}, {"source": "stream"}]]
)
def test_of_a_shared_collection_only_a_streams_own_documents_are_looked_at(
    client: MongoClient[dict[str, Any]], database: str, constants: list[dict[str, Any]]
) -> None:
    mapping = Mapping.model_validate(
        {"source": "shop.orders", "target": "orders", "id": [*constants, "id"]}
    ).bind(stream="eu")
    own = own_documents(mapping, "shop", "orders")
    first = {"stream": "eu"} if len(constants) == 1 else {"value": 5, "stream": "eu"}
    ours: list[Any] = [{**first, "id": each} for each in (-1, 0, 7.5, 9, "a", b"a", True)]
    others = [
        {**first, "stream": name, "id": each} for name in ("es", "eu2", "f") for each in (1, 9)
    ]
    collection = client[database]["orders"]
    documents = Documents(client, Namespaces(database, "state", "test"))
    collection.insert_many([{"_id": each} for each in (1, "eu", {"id": 1, **first}, *others)])

    assert documents.is_empty("orders", within=own)
    collection.insert_many([{"_id": each} for each in ours])

    assert not documents.is_empty("orders", within=own)
    found: list[bytes] = []
    while more := documents.ids("orders", after=found[-1] if found else None, limit=2, within=own):
        found += more
    decoded = [bson.decode(query(each))["_id"] for each in found]
    assert sorted(map(str, decoded)) == sorted(map(str, ours))


def test_all_documents_of_an_id_are_found_where_it_is_not_unique(
    client: MongoClient[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """As it is not across shards: here in a collection of the one database that allows it."""
    name = f"doubles_{ObjectId()}"
    collection = client["local"].create_collection(name, autoIndexId=False)
    request.addfinalizer(collection.drop)
    raws = [bson.encode({"_id": 1, "t": t}) for t in (1, 2)]
    several = [RawBSONDocument(each) for each in raws]
    client["local"].command({"insert": name, "documents": several})  # no retryable write there
    documents = Documents(client, Namespaces("local", "state", "test"))
    ids = [document_id(raws[0])]

    assert sorted(documents.copies(name, ids)) == sorted(raws)
    assert [*documents.fetch(name, ids)] == [1]
