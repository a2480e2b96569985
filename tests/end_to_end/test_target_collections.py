"""Collections that are there before the stream: each option is fine, a risk, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary

from cdc.preflight.rules.collections import FINE, RISKY, UNFIT
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.support.features import (
    CLUSTERED,
    ENCRYPTED_FIELDS,
    PRE_IMAGES,
    TIME_SERIES,
    require,
)

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)

ENGLISH = {"locale": "en", "strength": 2}
BY_ID = {"key": {"_id": 1}, "unique": True}
KEY = Binary(bytes(16), 4)
ENCRYPTED = {"fields": [{"path": "secret", "bsonType": "string", "keyId": KEY}]}
CREATED: list[dict[str, Any]] = [
    {},
    {"collation": ENGLISH},
    {"collation": {"locale": "en"}},
    {"collation": {"locale": "simple"}},
    {"capped": True, "size": 100_000},
    {"capped": True, "size": 100_000, "max": 100},
    {"timeseries": {"timeField": "at"}},
    {"clusteredIndex": BY_ID},
    {"clusteredIndex": {**BY_ID, "name": "by_id"}},
    {"clusteredIndex": BY_ID, "expireAfterSeconds": 3600},
    {"viewOn": "others", "pipeline": []},
    {"validator": {"note": {"$type": "string"}}},
    {"validator": {"absent": 1}, "validationAction": "warn"},
    {"validator": {"absent": 1}, "validationLevel": "off"},
    {"changeStreamPreAndPostImages": {"enabled": True}},
    {"recordPreImages": True},
    {"storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}}},
    {"indexOptionDefaults": {"storageEngine": {"wiredTiger": {"configString": ""}}}},
    {"encryptedFields": ENCRYPTED},
]
NOT_EVERYWHERE = {
    "timeseries": TIME_SERIES,
    "clusteredIndex": CLUSTERED,
    "changeStreamPreAndPostImages": PRE_IMAGES,
    "encryptedFields": ENCRYPTED_FIELDS,
}
INDEXES: list[tuple[dict[str, Any], str]] = [
    ({"key": {"at": 1}, "name": "old", "expireAfterSeconds": 3600}, "warning"),
    ({"key": {"note": 1}, "name": "texts", "collation": ENGLISH}, "ok"),
    ({"key": {"note": 1}, "name": "some", "partialFilterExpression": {"note": "a"}}, "ok"),
    ({"key": {"note": 1}, "name": "few", "sparse": True, "hidden": True}, "ok"),
    ({"key": {"$**": 1}, "name": "all"}, "ok"),
]


@pytest.fixture
def words(stream: Stream) -> Stream:
    stream.sql(
        "CREATE TABLE words (word VARCHAR(20) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,"
        " note VARCHAR(20)) ENGINE=InnoDB"
    )
    stream.follow("words")
    stream.sql("INSERT INTO words VALUES ('A', 'one'), ('a', 'two'), ('b', 'three')")
    return stream


def create(stream: Stream, options: dict[str, Any]) -> dict[str, Any]:
    """Make the collection; return its options as the server tells them."""
    require(stream.mongo, *(NOT_EVERYWHERE[each] for each in options if each in NOT_EVERYWHERE))
    stream.database.command({"create": "words", **options})
    [listed] = stream.database.list_collections(filter={"name": "words"})
    return dict(listed["options"])


def outcome(options: dict[str, Any]) -> str:
    if UNFIT.keys() & options.keys():
        return "unfit"
    return "warning" if RISKY.keys() & options.keys() else "ok"


def checked(stream: Stream) -> tuple[int, str]:
    """What `cdc check` ends with, and what it says of the collection."""
    stream.configure()
    command = Command(stream, "check")
    code = command.returncode
    lines = [each for each in command.stdout.splitlines() if "collection " in each]
    assert lines, command.stdout + command.stderr
    return code, "\n".join(each for each in lines if f"{stream.database.name}.words" in each)


def change_and_compare(stream: Stream) -> None:
    stream.until_caught_up()
    stream.sql(
        "UPDATE words SET note = 'four' WHERE word = 'A'",
        "INSERT INTO words VALUES ('B', 'five')",
        "DELETE FROM words WHERE word = 'A'",
        "DELETE FROM words WHERE word = 'b'",
    )
    stream.until_caught_up()
    resynced = Command(stream, "resync", f"{stream.schema}.words")
    verified = Command(stream, "verify", f"{stream.schema}.words")
    assert (resynced.returncode, verified.returncode) == (0, 0), resynced.stderr
    assert stream.documents("words") == {"a": {"note": "two"}, "B": {"note": "five"}}
    assert stream.rows("words") == stream.documents("words")


@pytest.mark.parametrize("options", CREATED, ids=lambda options: "+".join(options) or "plain")
def test_a_collection_is_refused_by_name_or_equals_its_table(
    words: Stream, options: dict[str, Any]
) -> None:
    there = create(words, options)

    code, told = checked(words)
    words.start(ledger=False)

    assert told.startswith(outcome(there)), told
    if outcome(there) == "unfit":
        assert code == 3
        assert words.daemon.wait() == 3
        assert f"collection {words.database.name}.words" in words.daemon.stderr
        assert words.state_document() is None
    else:
        assert code == 0
        change_and_compare(words)


@pytest.mark.parametrize(("index", "told"), INDEXES, ids=lambda each: str(each)[:30])
def test_an_index_expires_documents_with_a_warning_or_changes_nothing(
    words: Stream, index: dict[str, Any], told: str
) -> None:
    create(words, {})
    words.database.command({"createIndexes": "words", "indexes": [index]})

    code, line = checked(words)
    words.start(ledger=False)

    assert (code, line.split()[0]) == (0, told)
    change_and_compare(words)


def test_every_option_that_the_server_tells_is_judged(words: Stream) -> None:
    for options in CREATED:
        there = create(words, options)
        words.database.drop_collection("words")

        assert there.keys() <= FINE | UNFIT.keys() | RISKY.keys()


def test_what_the_remedy_says_makes_the_collection_fit(words: Stream) -> None:
    create(words, {"collation": ENGLISH})
    _, told = checked(words)
    shell = f'db.getSiblingDB("{words.database.name}").getCollection("words")'
    assert f'{shell}.renameCollection("words_before")' in told

    words.database["words"].rename("words_before")
    words.start(ledger=False)

    change_and_compare(words)


def test_a_collection_made_anew_with_a_collation_loses_no_document_in_silence(
    words: Stream,
) -> None:
    words.start(ledger=False)
    words.until_caught_up()
    words.database.drop_collection("words")
    create(words, {"collation": ENGLISH})
    words.database["words"].insert_one({"_id": "a", "note": "two"})

    words.sql("DELETE FROM words WHERE word = 'A'", "UPDATE words SET note = 'x' WHERE word = 'b'")
    words.until_caught_up()

    assert words.documents("words") == {"a": {"note": "two"}, "b": {"note": "x"}}
