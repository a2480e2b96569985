"""Shards by glob: many tables, one collection, told apart by the names in the ids."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.stream import Stream

COLUMNS = "id INT PRIMARY KEY, note VARCHAR(20)"


def follow_shards(stream: Stream, **keys: Any) -> None:
    stream.follow(
        "orders",
        {
            "source": f"{stream.schema}.orders_[a-z]",
            "id": [{"source": "table"}, "id"],
            "fields": {"shard": {"source": "table"}, "note": "note"},
            **keys,
        },
    )


def shards(stream: Stream) -> dict[tuple[str, int], tuple[str, str]]:
    return {
        (each["_id"]["table"], each["_id"]["id"]): (each["shard"], each["note"])
        for each in stream.database["orders"].find()
    }


def test_shards_feed_one_collection_and_a_new_one_is_followed_from_its_first_row(
    stream: Stream,
) -> None:
    stream.sql(f"CREATE TABLE orders_a ({COLUMNS})", f"CREATE TABLE orders_b ({COLUMNS})")
    stream.sql(f"CREATE TABLE orders_10 ({COLUMNS})")
    follow_shards(stream)
    stream.start()
    stream.until_streaming()

    stream.sql("INSERT INTO orders_a VALUES (1, 'a')", "INSERT INTO orders_b VALUES (1, 'b')")
    stream.sql("INSERT INTO orders_10 VALUES (1, 'not a shard')")
    stream.sql(f"CREATE TABLE orders_c ({COLUMNS})", "INSERT INTO orders_c VALUES (1, 'c')")
    stream.sql(
        "UPDATE orders_b SET id = 2", "DELETE FROM orders_a", "INSERT INTO orders_a VALUES (3, 'x')"
    )
    stream.until_caught_up()

    assert shards(stream) == {
        ("orders_a", 3): ("orders_a", "x"),
        ("orders_b", 2): ("orders_b", "b"),
        ("orders_c", 1): ("orders_c", "c"),
    }
    assert sorted(stream.ledger()) == sorted(stream.history.committed())
    followed = {line["table"] for line in stream.daemon.events("table_followed")}
    assert f"{stream.schema}.orders_c" in followed


def test_a_truncate_of_a_shard_leaves_the_others_documents(stream: Stream) -> None:
    stream.sql(f"CREATE TABLE orders_a ({COLUMNS})", f"CREATE TABLE orders_b ({COLUMNS})")
    follow_shards(stream)
    stream.start()
    stream.until_streaming()

    stream.sql("INSERT INTO orders_a VALUES (1, 'a')", "INSERT INTO orders_b VALUES (1, 'b')")
    stream.sql("TRUNCATE TABLE orders_a", "INSERT INTO orders_a VALUES (2, 'again')")
    stream.until_caught_up()

    assert shards(stream) == {
        ("orders_a", 2): ("orders_a", "again"),
        ("orders_b", 1): ("orders_b", "b"),
    }


def test_a_new_shard_that_is_not_fit_stops_the_stream(stream: Stream) -> None:
    follow_shards(stream)
    stream.start()
    stream.until_streaming()

    stream.sql(
        f"CREATE TABLE orders_m ({COLUMNS}) ENGINE = MyISAM", "INSERT INTO orders_m VALUES (1, 'x')"
    )

    assert stream.daemon.wait() == 4
    stopped = stream.daemon.events("stopped")[-1]
    assert "MyISAM, which has no transactions" in stopped["message"]
    assert stopped["table"] == f"{stream.schema}.orders_m"
    assert stopped["position"]
    assert shards(stream) == {}


def test_indexes_are_there_before_the_first_document(stream: Stream) -> None:
    follow_shards(stream, indexes=[{"keys": {"shard": 1, "note": -1}}])
    stream.start()
    stream.until_streaming()

    assert "shard_1_note_-1" in stream.database["orders"].index_information()


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_copy_creates_the_indexes_of_a_collection_that_was_dropped(stream: Stream) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, n INT", {"indexes": [{"keys": {"n": 1}}]})
    stream.sql("INSERT INTO items VALUES (1, 1), (2, 2)")
    stream.start(ledger=False)
    stream.until_caught_up()
    stream.database["items"].drop()

    copied = cdc(stream, "backfill", f"{stream.schema}.items")

    assert copied.returncode == 0, copied.stderr
    assert "n_1" in stream.database["items"].index_information()
    stream.assert_same_content()
