"""TRUNCATE, DROP and ALTER of a table reach the documents that embed its rows."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.writers.collection_clear import PIECE
from cdc.writers.embedding.terms import AT_ONCE
from cdc.writers.observer import WriteStep
from tests.end_to_end.embedding.support.kinds import ONE_OF_BOTH
from tests.end_to_end.embedding.support.settling import settled as all_settled
from tests.end_to_end.embedding.support.shop import Rows, expected, fill, joined, opened, settled
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream

TABLES = pytest.mark.parametrize("table", ["order_lines", "orders", "products", "users"])
PIECES = 3
ORDERS = (PIECES * PIECE - PIECE // 2) // 3
"""Each has three lines."""

SOFT = {"on_delete": {"set": {"gone": True}}, "on_drop": "apply"}


def copied(shop: Stream, orders: int) -> Stream:
    shop.settings["start"] = "backfill"
    fill(shop, orders)
    shop.start(ledger=False).until_logged("job_done", count=4)
    return shop


def without(shop: Stream, gone: str) -> Rows:
    """The orders as they must be without the rows of a table."""
    return joined(lambda table: {} if table == gone else shop.rows(table))


def embeds_what_is_there(shop: Stream) -> bool:
    """Whether the orders embed exactly what the other collections hold, whatever that is."""
    found: dict[str, Any] = {each: shop.documents(each) for each in shop.tables}
    wanted = joined(lambda table: {key: dict(row) for key, row in found[table].items()})
    return bool(found["orders"] == wanted)


@ONE_OF_BOTH
@TABLES
def test_a_truncated_table_leaves_the_documents_that_embed_it(shop: Stream, table: str) -> None:
    copied(shop, 5)
    again = shop.rows(table)

    shop.sql(f"TRUNCATE TABLE {table}")

    settled(shop)
    assert shop.documents(table) == {}
    for key, row in again.items():
        values = ", ".join(map(repr, (key, *row.values())))
        shop.sql(f"INSERT INTO {table} VALUES ({values})")
    settled(shop)


@ONE_OF_BOTH
@TABLES
def test_a_dropped_table_leaves_them_too(stream: Stream, table: str) -> None:
    shop = copied(opened(stream, {"on_drop": "apply"}), 5)
    wanted = without(shop, table)

    shop.sql(f"DROP TABLE {table}")
    shop.until_caught_up()

    assert shop.documents("orders") == wanted
    assert shop.documents(table) == {}


@ONE_OF_BOTH
@pytest.mark.parametrize("statement", ["TRUNCATE TABLE", "DROP TABLE"])
def test_documents_that_are_marked_keep_what_they_embed_and_stay_embedded(
    stream: Stream, statement: str
) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)", SOFT)
    author = {"one": "users", "on": "user_id"}
    stream.table(
        "tweets",
        "id INT PRIMARY KEY, user_id INT",
        {**SOFT, "stamp": "at", "embed": {"author": author}},
    )
    stream.sql("INSERT INTO users VALUES (1, 'Ada')", "INSERT INTO tweets VALUES (1, 1), (2, 2)")
    stream.start(ledger=False)
    stream.until_caught_up()

    stream.sql(f"{statement} users")
    stream.until_caught_up()

    ada = {"_id": 1, "name": "Ada", "gone": True}
    assert without_stamps(stream) == {
        1: {"user_id": 1, "author": ada},
        2: {"user_id": 2, "author": None},
    }

    stream.sql(f"{statement} tweets")
    stream.until_caught_up()

    assert without_stamps(stream) == {
        1: {"user_id": 1, "gone": True, "author": ada},
        2: {"user_id": 2, "gone": True, "author": None},
    }


def without_stamps(stream: Stream) -> Rows:
    tweets = stream.documents("tweets")
    for each in tweets.values():
        assert [*each][-1] == "at"
        del each["at"]
    return tweets


@ONE_KIND
@pytest.mark.parametrize("point", WriteStep, ids=lambda point: point.value)
def test_a_daemon_killed_while_it_clears_what_is_embedded_ends_right(
    shop: Stream, point: WriteStep
) -> None:
    copied(shop, ORDERS)
    shop.stop()
    shop.sql("TRUNCATE TABLE order_lines", "INSERT INTO order_lines VALUES (1, 1, 1, 1, 1)")

    for _ in range(2):
        died = shop.start(ledger=False, fault=point.value)
        assert died.wait() == -9, died.stderr
        assert embeds_what_is_there(shop)
    shop.start(ledger=False)

    settled(shop)
    assert shop.documents("order_lines").keys() == {1}


@ONE_KIND
def test_a_truncated_grandchild_is_taken_out_piece_by_piece_whatever_dies(shop: Stream) -> None:
    copied(shop, 3 * 600)
    shop.stop()
    shop.sql("TRUNCATE TABLE products")

    for fault in ("in_piece", "after_piece"):
        assert shop.start(ledger=False, fault=fault).wait() == -9
        assert embeds_what_is_there(shop)
    shop.start(ledger=False)

    settled(shop)


@ONE_KIND
def test_between_two_pieces_documents_embed_what_is_left(shop: Stream) -> None:
    copied(shop, ORDERS)
    shop.stop()
    shop.sql("TRUNCATE TABLE order_lines")

    assert shop.start(ledger=False, fault="after_piece:2").wait() == -9

    assert len(shop.documents("order_lines")) == 3 * ORDERS - 2 * PIECE
    assert embeds_what_is_there(shop)


@ONE_KIND
@pytest.mark.parametrize("point", [WriteStep.IN_PIECE, WriteStep.AFTER_PIECE], ids=str)
def test_a_daemon_killed_while_it_marks_ends_right(stream: Stream, point: WriteStep) -> None:
    shop = copied(opened(stream, SOFT), ORDERS)
    lines, wanted = shop.documents("order_lines"), expected(shop)
    shop.stop()
    shop.sql("TRUNCATE TABLE order_lines")

    for _ in range(2):
        assert shop.start(ledger=False, fault=point.value).wait() == -9
    shop.start(ledger=False)
    shop.until_caught_up()

    marked = {key: {**line, "gone": True} for key, line in lines.items()}
    assert shop.documents("order_lines") == marked
    assert shop.documents("orders") == wanted


@ONE_OF_BOTH
def test_the_resync_of_an_altered_table_reaches_the_documents_that_embed_it(
    stream: Stream,
) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)", {"on_alter": "resync"})
    author = {"one": "users", "on": "user_id"}
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {"embed": {"author": author}})
    stream.sql("INSERT INTO users VALUES (1, 'Ada')", "INSERT INTO tweets VALUES (1, 1), (2, 2)")
    stream.start(ledger=False)
    stream.until_caught_up()

    stream.sql("ALTER TABLE users ADD COLUMN city VARCHAR(20) NOT NULL DEFAULT 'Rome'")
    stream.daemon.until_logged("job_done")

    assert stream.documents("tweets") == {
        1: {"user_id": 1, "author": {"_id": 1, "name": "Ada", "city": "Rome"}},
        2: {"user_id": 2, "author": None},
    }
    assert cdc(stream, "verify").returncode == 0


@ONE_OF_BOTH
@pytest.mark.parametrize("fault", ["", "in_piece:2", "after_piece:1", "in_piece:4"])
def test_more_documents_than_fit_into_a_piece_are_owed(stream: Stream, fault: str) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    author = {"one": "users", "on": "user_id"}
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {"embed": {"author": author}})
    rows = ", ".join(f"({number}, {1 + number % 2})" for number in range(AT_ONCE + 10))
    stream.sql("INSERT INTO users VALUES (1, 'Ada')", f"INSERT INTO tweets VALUES {rows}")
    stream.start(ledger=False)
    stream.sql("INSERT INTO users VALUES (2, 'Bob')")
    all_settled(stream)
    assert {*authors(stream)} == {"Ada", "Bob"}
    stream.stop()

    stream.sql("TRUNCATE TABLE users", "INSERT INTO users VALUES (2, 'Eve')")
    if fault:
        assert stream.start(ledger=False, fault=fault).wait() == -9
    stream.start(ledger=False)

    all_settled(stream)
    assert {*authors(stream)} == {None, "Eve"}


@ONE_OF_BOTH
def test_a_value_that_does_not_fit_a_mark_is_left_out_until_it_does(stream: Stream) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)", SOFT)
    author = {"one": "users", "on": "user_id"}
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {**SOFT, "embed": {"author": author}})
    stream.database.create_collection("tweets", validator={"author.gone": {"$ne": True}})
    stream.sql("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')")
    stream.sql("INSERT INTO tweets VALUES (1, 1), (2, 2), (3, NULL)")
    stream.start(ledger=False)
    stream.until_caught_up()

    stream.sql("TRUNCATE TABLE users")
    stream.until_caught_up()
    assert authors(stream) == [None, None, None]
    assert open_letters(stream) == [(1, "author"), (2, "author")]

    stream.sql("TRUNCATE TABLE tweets")
    stream.until_caught_up()
    assert {each["gone"] for each in stream.documents("tweets").values()} == {True}
    assert open_letters(stream) == [(1, "author"), (2, "author")]

    stream.sql("INSERT INTO users VALUES (1, 'Eve')")
    stream.until_caught_up()
    assert authors(stream) == ["Eve", None, None]
    assert open_letters(stream) == [(2, "author")]


@ONE_OF_BOTH
@pytest.mark.parametrize("table", ["items", "orders"])
def test_a_truncate_resolves_the_letter_on_an_array_that_was_too_large(
    stream: Stream, table: str
) -> None:
    stream.table("items", "id INT PRIMARY KEY, order_id INT, text LONGTEXT")
    lines = {"many": "items", "on": "order_id"}
    stream.table("orders", "id INT PRIMARY KEY", {"embed": {"lines": lines}})
    stream.sql("INSERT INTO orders VALUES (1)")
    for number in range(17):
        stream.sql(f"INSERT INTO items VALUES ({number}, 1, REPEAT('x', 1 << 20))")
    stream.start(ledger=False)
    stream.until_caught_up()
    assert open_letters(stream) == [(1, "lines")]

    stream.sql(f"TRUNCATE TABLE {table}")
    stream.until_caught_up()

    assert open_letters(stream) == []
    assert stream.documents("orders") == ({1: {"lines": []}} if table == "items" else {})


def authors(stream: Stream) -> list[str | None]:
    tweets = stream.documents("tweets").values()
    return [each["author"] and each["author"]["name"] for each in tweets]


def open_letters(stream: Stream) -> list[tuple[Any, str]]:
    found = stream.state["dead_letters"].find({"state": "open"}).sort("key", 1)
    return [(each["key"], each["path"]) for each in found]
