from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from pymongo.database import Database

from cdc_sandbox.demo.comparison import TABLES, TableComparison, compare
from cdc_sandbox.demo.connections import Connection
from cdc_sandbox.demo.dataset import SourceDocument
from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.demo.loader import load
from cdc_sandbox.servers import MongoServer

Document = dict[str, Any]
Copy = tuple[Connection, Database[Document]]

HUGE = 2**64 - 1


@pytest.fixture
def copy(connection: Connection, mongo: MongoServer, database: str) -> Iterator[Copy]:
    """Both sides with the same 60 tweets, one of them with an id above 2^63-1."""
    tweets = islice(invented_tweets(21), 60)
    load(connection, [SourceDocument(n, n, tweet) for n, tweet in enumerate(tweets, 1)])
    cursor = connection.cursor()
    cursor.execute("UPDATE twitter.tweets SET id = %s ORDER BY id LIMIT 1", (HUGE,))
    connection.commit()
    with mongo.client() as client:
        for table in TABLES:
            cursor.execute(table.selection)
            rows = [dict(zip(table.names, row, strict=True)) for row in cursor.fetchall()]
            stamp = {table.stamp: datetime.now(UTC)} if table.stamp else {}
            documents = [table.expected(row) | stamp for row in rows]
            client[database][table.name].insert_many(documents)
        yield connection, client[database]


def compared(copy: Copy) -> dict[str, TableComparison]:
    return {result.table: result for result in compare(*copy)}


def test_equal_sides_are_equal(copy: Copy) -> None:
    found = compared(copy)

    assert all(result.equal for result in found.values())
    assert found["tweets"].lines() == ["tweets: 60 rows, 60 documents, all equal"]


def test_a_document_without_its_stamp_is_found(copy: Copy) -> None:
    tweets = copy[1]["tweets"]
    tweets.update_one({"_id": Decimal128(str(HUGE))}, {"$unset": {"replicated_at": ""}})

    (told,) = compared(copy)["tweets"].told

    assert "replicated_at should be date" in told
    assert told.endswith("is nothing")


def test_a_missing_document_is_found(copy: Copy) -> None:
    copy[1]["tweets"].delete_one({"_id": Decimal128(str(HUGE))})

    tweets = compared(copy)["tweets"]

    assert (tweets.missing, tweets.extra, tweets.different) == (1, 0, 0)
    assert tweets.told == [f"tweets {HUGE}: is not in MongoDB"]


@pytest.mark.parametrize(
    "extra", [Int64(-1), Int64(77), Decimal128(str(HUGE - 1)), "77", 0.5, True]
)
def test_an_extra_document_is_found(copy: Copy, extra: Any) -> None:
    copy[1]["tweets"].insert_one({"_id": extra})

    tweets = compared(copy)["tweets"]

    assert (tweets.missing, tweets.extra, tweets.different) == (0, 1, 0)
    assert tweets.told[0].endswith("is not in the source")


def test_a_row_deleted_in_the_source_alone_is_an_extra_document(copy: Copy) -> None:
    copy[0].cursor().execute("DELETE FROM twitter.tweets LIMIT 2")
    copy[0].commit()

    tweets = compared(copy)["tweets"]

    assert (tweets.rows, tweets.documents, tweets.extra) == (58, 60, 2)


PLANTED: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("users", "name", lambda name: name + " "),
    ("users", "followers_count", int),
    ("users", "followers_count", lambda count: Decimal128(str(count))),
    ("users", "followers_count", float),
    ("users", "verified", bool),
    ("tweets", "retweeted", int),
    ("tweets", "in_reply_to.user_id", lambda _: 5),
    ("tweets", "in_reply_to", lambda _: None),
    ("users", "created_at", lambda at: at + timedelta(milliseconds=1)),
    ("users", "created_at", str),
    ("users", "password", lambda _: "!"),
    ("tweets", "user_id", lambda each: str(each)),
    ("tweets", "author.name", lambda name: name + " "),
    ("tweets", "author.id", lambda _: 5),
    ("tweets", "author", lambda _: None),
    ("tweets", "entities.urls", lambda _: None),
    ("tweets", "entities", str),
    ("tweets", "truncated", lambda flag: not flag),
]


@pytest.mark.parametrize(("table", "path", "change"), PLANTED)
def test_a_planted_difference_is_found(
    copy: Copy, table: str, path: str, change: Callable[[Any], Any]
) -> None:
    collection = copy[1][table]
    document = collection.find_one({"_id": {"$gt": 0}}, sort=[("_id", 1)])
    assert document is not None
    collection.update_one({"_id": document["_id"]}, {"$set": {path: change(_at(document, path))}})

    found = compared(copy)[table]

    assert (found.missing, found.extra, found.different) == (0, 0, 1)
    assert f": {path}" in found.told[0]


def test_an_id_of_another_type_is_a_difference(copy: Copy) -> None:
    collection = copy[1]["tweets"]
    document = collection.find_one({"_id": {"$lt": 2**52}})
    assert document is not None
    collection.delete_one({"_id": document["_id"]})
    collection.insert_one(document | {"_id": Decimal128(str(document["_id"]))})

    tweets = compared(copy)["tweets"]

    assert (tweets.missing, tweets.extra, tweets.different) == (0, 0, 1)
    assert "_id should be int64" in tweets.told[0]


def test_only_the_first_differences_are_told_but_all_are_counted(copy: Copy) -> None:
    copy[1]["tweets"].update_many({}, {"$unset": {"text": 1}})

    tweets = compared(copy)["tweets"]

    assert tweets.different == 60
    assert len(tweets.lines()) == 11


def test_rows_beyond_one_page_are_compared_too(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdc_sandbox.demo.comparison._PAGE_ROWS", 7)

    assert compared(copy)["tweets"].rows == 60
    assert compared(copy)["tweets"].equal


def _at(document: Document, path: str) -> Any:
    value: Any = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
