"""`stamp`: documents that tell when they were written, and are equal to their rows all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.stream import Stream

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"


def stamps(stream: Stream) -> dict[Any, datetime]:
    documents = stream.documents("items")
    assert all(list(each)[-1] == "seen" for each in documents.values() if "gone" not in each)
    return {key: each["seen"].replace(tzinfo=UTC) for key, each in documents.items()}


def test_whatever_writes_a_document_stamps_it_and_verify_finds_it_equal(stream: Stream) -> None:
    stream.settings["start"] = "backfill"
    stream.table("items", COLUMNS, {"stamp": "seen", "on_delete": {"set": {"gone": True}}})
    stream.sql("INSERT INTO items VALUES (1, 'copied'), (2, 'changed'), (3, 'left')")
    began = datetime.now(UTC).replace(microsecond=0)
    stream.start(ledger=False)
    until_copied(stream)
    copied = stamps(stream)

    stream.sql("INSERT INTO items VALUES (4, 'streamed')")
    stream.sql("UPDATE items SET word = 'new' WHERE id = 2", "DELETE FROM items WHERE id = 3")
    stream.until_caught_up()
    streamed = stamps(stream)
    verified = cdc(stream, "verify")
    stream.sql("TRUNCATE TABLE items")
    stream.until_caught_up()
    truncated = stamps(stream)

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert set(copied) == {1, 2, 3}
    assert set(streamed) == {1, 2, 3, 4}
    assert all(began <= each <= datetime.now(UTC) for each in truncated.values())
    assert {key for key in copied if streamed[key] > copied[key]} == {2, 3}
    assert {key for key in streamed if truncated[key] > streamed[key]} == {1, 2, 4}


def test_a_repair_stamps_and_a_resync_brings_stamps_where_there_were_none(stream: Stream) -> None:
    stream.table("items", COLUMNS)
    stream.start(ledger=False)
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    stream.until_caught_up()
    stream.stop()
    stream.follow("items", {"stamp": "seen"})

    stream.start("--accept-mapping-change", ledger=False)
    stream.until_streaming()
    unstamped = cdc(stream, "verify")
    stream.database["items"].update_one({"_id": 2}, {"$set": {"word": "wrong"}})
    repaired = cdc(stream, "verify", "--repair")
    one, two = (stream.documents("items")[key] for key in (1, 2))
    resynced = cdc(stream, "resync", f"{stream.schema}.items")

    assert unstamped.returncode == 0, unstamped.stdout + unstamped.stderr
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert one == {"word": "one"}
    assert list(two) == ["word", "seen"]
    assert resynced.returncode == 0, resynced.stderr
    assert set(stamps(stream)) == {1, 2}
