"""What does not fit into a document is left out and told, and comes once it fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdc.writers.embedding.terms import AT_ONCE
from tests.end_to_end.embedding.support.kinds import ONE_OF_BOTH
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = ONE_OF_BOTH

LINES = {"many": "items", "on": "order_id"}
AUTHOR = {"one": "users", "on": "user_id", "fields": ["name"]}
UNIQUE: dict[str, Any] = {
    "unique": True,
    "partialFilterExpression": {"author.name": {"$exists": True}},
}
MEGABYTE = "REPEAT('x', 1 << 20)"


@pytest.fixture
def orders(stream: Stream) -> Stream:
    """Orders that embed their lines, which are large."""
    stream.table("items", "id INT PRIMARY KEY, order_id INT, text LONGTEXT, KEY (order_id)")
    stream.table("orders", "id INT PRIMARY KEY, note VARCHAR(20)", {"embed": {"lines": LINES}})
    return stream


@pytest.fixture
def tweets(stream: Stream) -> Stream:
    """Tweets that embed the name of their author."""
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {"embed": {"author": AUTHOR}})
    stream.sql("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')")
    return stream


def letters(stream: Stream, state: str = "open") -> list[dict[str, Any]]:
    return [*stream.state["dead_letters"].find({"state": state}).sort("key", 1)]


def names(stream: Stream) -> dict[Any, str | None]:
    return {
        key: tweet["author"] and tweet["author"]["name"]
        for key, tweet in stream.documents("tweets").items()
    }


def add_lines(stream: Stream, order: int, first: int, count: int) -> None:
    for number in range(first, first + count):
        stream.sql(f"INSERT INTO items VALUES ({number}, {order}, {MEGABYTE})")


def lines_of(stream: Stream, order: int) -> int:
    return len(stream.documents("orders")[order]["lines"])


def size_of(stream: Stream, collection: str) -> int:
    size = {"$project": {"size": {"$bsonSize": "$$ROOT"}}}
    (found,) = stream.database[collection].aggregate([size])
    return int(found["size"])


def test_an_array_that_makes_the_document_too_large_is_left_out_until_it_fits(
    orders: Stream,
) -> None:
    orders.start(ledger=False)
    orders.sql("INSERT INTO orders VALUES (1, 'one'), (2, 'two')")
    add_lines(orders, order=1, first=1, count=15)
    orders.until_caught_up()
    assert lines_of(orders, 1) == 15

    add_lines(orders, order=1, first=16, count=2)
    orders.sql("INSERT INTO items VALUES (90, 2, 'small')")
    orders.until_caught_up()

    assert orders.documents("orders")[1] == {"note": "one", "lines": []}
    assert lines_of(orders, 2) == 1
    (letter,) = letters(orders)
    assert (letter["collection"], letter["key"], letter["path"]) == ("orders", 1, "lines")
    assert (letter["reason"], letter["table"]) == ("too_large", f"{orders.schema}.orders")
    assert "`lines` of 17 elements" in letter["error"]

    orders.sql("UPDATE orders SET note = 'changed'")
    orders.until_caught_up()
    assert orders.documents("orders")[1] == {"note": "changed", "lines": []}
    assert [each["count"] for each in letters(orders)] == [3]

    orders.sql("DELETE FROM items WHERE id IN (1, 2)")
    orders.until_caught_up()
    assert lines_of(orders, 1) == 15
    assert letters(orders) == []
    assert len(letters(orders, "resolved")) == 1


def test_a_letter_on_an_array_goes_with_its_document(orders: Stream) -> None:
    add_lines(orders, order=1, first=1, count=17)
    orders.sql("INSERT INTO orders VALUES (1, 'one')")

    orders.start(ledger=False)
    orders.until_caught_up()
    assert orders.documents("orders")[1]["lines"] == []
    assert len(letters(orders)) == 1

    orders.sql("DELETE FROM orders WHERE id = 1")
    orders.until_caught_up()
    assert letters(orders) == []


@pytest.mark.parametrize("spare", [0, 1, 50_000])
def test_a_document_of_just_the_largest_size_is_written(stream: Stream, spare: int) -> None:
    whole = 16 * 1024 * 1024
    stream.table("parts", "id INT PRIMARY KEY, text LONGTEXT")
    embed = {"part": {"one": "parts", "on": "part_id", "fields": ["text"]}}
    stream.table("wholes", "id INT PRIMARY KEY, part_id INT", {"embed": embed, "stamp": "at"})
    stream.start(ledger=False)
    stream.until_streaming()
    stream.sql("INSERT INTO wholes VALUES (1, 1)")
    beside = 4 + 9 + 13 + 6 + 16 + 12 + 1  # the other bytes, as bsonspec.org says

    for more in (-spare, 1):
        stream.sql(f"REPLACE INTO parts VALUES (1, REPEAT('x', {whole - beside + more}))")
        stream.until_caught_up()

        assert size_of(stream, "wholes") == (whole - spare if more < 1 else 45)
        assert len(letters(stream)) == (more == 1)


def test_a_value_that_a_unique_index_refuses_is_left_out(tweets: Stream) -> None:
    tweets.database["tweets"].create_index("author.name", **UNIQUE)
    tweets.start(ledger=False)
    tweets.sql("INSERT INTO tweets VALUES (1, 1), (2, 2)")
    tweets.until_caught_up()
    assert names(tweets) == {1: "Ada", 2: "Bob"}

    tweets.sql("UPDATE users SET name = 'Ada' WHERE id = 2", "INSERT INTO tweets VALUES (3, 1)")
    tweets.until_caught_up()

    assert names(tweets) == {1: "Ada", 2: None, 3: None}
    found = letters(tweets)
    assert [(each["key"], each["path"], each["reason"]) for each in found] == [
        (2, "author", "duplicate"),
        (3, "author", "duplicate"),
    ]
    assert all("E11000" in each["error"] for each in found)

    tweets.sql(
        "UPDATE users SET name = 'Eve' WHERE id = 2",
        "UPDATE tweets SET user_id = NULL WHERE id = 3",
    )
    tweets.until_caught_up()
    assert names(tweets) == {1: "Ada", 2: "Eve", 3: None}
    assert letters(tweets) == []


def test_a_value_that_a_validator_refuses_is_left_out_and_not_its_row(tweets: Stream) -> None:
    tweets.database.create_collection(
        "tweets", validator={"author.name": {"$ne": "Eve"}, "user_id": {"$ne": 13}}
    )
    tweets.start(ledger=False)
    tweets.sql("INSERT INTO tweets VALUES (1, 1), (2, 2), (3, 2)")
    tweets.until_caught_up()

    tweets.sql(
        "UPDATE users SET name = 'Eve' WHERE id = 2",
        "INSERT INTO tweets VALUES (4, 2), (5, 1)",
        "UPDATE tweets SET user_id = 13 WHERE id = 5",
    )
    tweets.until_caught_up()

    assert names(tweets) == {1: "Ada", 2: None, 3: None, 4: None, 5: "Ada"}
    assert {(each["key"], each["path"], each["reason"]) for each in letters(tweets)} == {
        *((key, "author", "validator") for key in (2, 3, 4)),
        (5, "", "validator"),
    }


def test_a_document_stays_that_is_refused_without_the_value_too(tweets: Stream) -> None:
    tweets.database.create_collection("tweets", validator={"author.name": {"$in": ["Ada", "Bob"]}})
    tweets.start(ledger=False)
    tweets.sql("INSERT INTO tweets VALUES (1, 1), (2, 2)")
    tweets.until_caught_up()

    tweets.sql("UPDATE users SET name = 'Eve' WHERE id = 2", "INSERT INTO tweets VALUES (3, 2)")
    tweets.sql("INSERT INTO tweets VALUES (4, 1)")
    tweets.until_caught_up()

    assert names(tweets) == {1: "Ada", 2: "Bob", 4: "Ada"}
    assert [(each["key"], each["path"]) for each in letters(tweets)] == [(2, "author"), (3, "")]
    tweets.sql("UPDATE users SET name = 'Bob' WHERE id = 2")
    tweets.until_caught_up()
    assert [(each["key"], each["path"]) for each in letters(tweets)] == [(3, "")]


def test_letters_on_values_are_shown_retried_and_discarded(tweets: Stream) -> None:
    index = tweets.database["tweets"].create_index("author.name", **UNIQUE)
    tweets.start(ledger=False)
    tweets.sql("INSERT INTO tweets VALUES (1, 1), (2, 1), (3, 1)")
    tweets.until_caught_up()
    two, three = (each["_id"] for each in letters(tweets))

    listed = cdc(tweets, "dead-letters", "list")
    shown = json.loads(cdc(tweets, "dead-letters", "show", two, "--output", "json").stdout)
    failed = cdc(tweets, "dead-letters", "retry", two)
    discarded = cdc(tweets, "dead-letters", "discard", three)
    tweets.database["tweets"].drop_index(index)
    retried = cdc(tweets, "dead-letters", "retry", two)

    [line] = [each for each in listed.stdout.splitlines() if each.startswith(two[:8])]
    assert "open   " in line
    assert "2 author" in line
    assert f"{tweets.schema}.tweets" in line
    assert "duplicate: " in line
    assert (shown["path"], shown["action"], shown["key"]) == ("author", "embed", 2)
    assert failed.returncode == 1
    assert discarded.returncode == 0
    assert retried.returncode == 0, retried.stderr
    assert names(tweets) == {1: "Ada", 2: "Ada", 3: None}
    assert letters(tweets) == []


def test_a_stamp_is_not_embedded_and_a_new_one_changes_nothing(stream: Stream) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20), seen INT", {"stamp": "at"})
    embed = {"whole": {"one": "users", "on": "user_id"}, "name": AUTHOR}
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {"embed": embed, "stamp": "made"})
    stream.start(ledger=False)
    stream.sql("INSERT INTO users VALUES (1, 'Ada', 0)", "INSERT INTO tweets VALUES (1, 1)")
    stream.until_caught_up()
    before = stream.documents("tweets")[1]

    stream.sql("UPDATE users SET seen = 1", "UPDATE users SET seen = 0")
    stream.until_caught_up()

    assert before["whole"] == {"_id": 1, "name": "Ada", "seen": 0}
    assert before["name"] == {"name": "Ada"}
    assert "at" in stream.documents("users")[1]


def test_what_is_owed_is_shown_and_forgotten_with_its_embed(tweets: Stream) -> None:
    tweets.settings["http"] = {"listen": "127.0.0.1:0"}
    rows = ", ".join(f"({number}, 2)" for number in range(6_000))
    tweets.sql(f"INSERT INTO tweets VALUES {rows}")
    tweets.start(ledger=False)
    tweets.until_caught_up()
    tweets.stop()
    tweets.sql("UPDATE users SET name = 'Eve' WHERE id = 2")

    assert tweets.start(ledger=False, fault="in_piece").wait() == -9
    as_json = json.loads(cdc(tweets, "status", "--output", "json").stdout)
    as_text = cdc(tweets, "status").stdout

    (owed,) = as_json["embeds_owed"]
    assert (owed["collection"], owed["path"], owed["debts"]) == ("tweets", "author", 1)
    assert "owed tweets   author: 1 since 20" in as_text
    assert {*names(tweets).values()} == {"Bob"}

    tweets.start(ledger=False)
    eventually(lambda: {*names(tweets).values()} == {"Eve"})
    eventually(lambda: metrics(tweets.daemon)["cdc_embed_owed{tweets}{author}"] == 0)
    assert json.loads(cdc(tweets, "status", "--output", "json").stdout)["embeds_owed"] == []
    tweets.stop()

    tweets.sql("UPDATE users SET name = 'Ann' WHERE id = 2")
    assert tweets.start(ledger=False, fault="in_piece").wait() == -9
    tweets.follow("tweets")
    tweets.start("--accept-mapping-change", ledger=False)
    tweets.until_streaming()
    eventually(lambda: not tweets.state["debts"].count_documents({}))
    assert {*names(tweets).values()} == {"Eve"}


@pytest.mark.parametrize("count", [4_000, 6_000], ids=["at once", "owed"])
def test_of_many_documents_that_get_one_value_the_refused_is_told_whatever_dies(
    tweets: Stream, count: int
) -> None:
    rows = ", ".join(f"({number}, 2)" for number in range(count))
    validator = {"$or": [{"author.name": {"$ne": "Eve"}}, {"_id": {"$ne": 1_234}}]}
    tweets.database.create_collection("tweets", validator=validator)
    tweets.sql(f"INSERT INTO tweets VALUES {rows}")
    tweets.start(ledger=False)
    tweets.until_caught_up()
    tweets.stop()
    tweets.sql("UPDATE users SET name = 'Eve' WHERE id = 2")

    steps = ["before_commit", "after_commit"]
    if count > AT_ONCE:
        steps += ["in_piece:1", "in_piece:2", "in_piece:4"]
    for step in steps:
        assert tweets.start(ledger=False, fault=step).wait() == -9
    tweets.start(ledger=False)
    tweets.until_caught_up()
    eventually(lambda: not tweets.state["debts"].count_documents({}))

    found = names(tweets)
    assert found.pop(1_234) is None
    assert {*found.values()} == {"Eve"}
    [letter] = letters(tweets)  # counted again where a piece is derived again
    assert (letter["key"], letter["path"]) == (1_234, "author")
    assert letter["count"] >= 1


@pytest.mark.parametrize(
    "change", ["ADD COLUMN author INT", "DROP COLUMN user_id", "MODIFY user_id JSON"]
)
def test_a_table_that_comes_to_differ_from_its_embed_stops_the_stream(
    tweets: Stream, change: str
) -> None:
    if "JSON" in change and tweets.source.flavour == "mariadb":
        pytest.skip("MariaDB's JSON is a text")
    tweets.start(ledger=False)
    tweets.sql("INSERT INTO tweets (id, user_id) VALUES (1, NULL)")
    tweets.until_caught_up()

    tweets.sql(f"ALTER TABLE tweets {change}", "INSERT INTO tweets (id) VALUES (2)")

    said = halted(tweets.daemon)
    assert "a table has come to differ from what its mapping says" in said["message"]
    assert said["table"] == f"{tweets.schema}.tweets"
    assert cdc(tweets, "check").returncode == 2


@pytest.mark.parametrize("change", ["DROP COLUMN order_id", "MODIFY order_id JSON"])
def test_a_link_that_the_embedded_table_loses_stops_the_stream_and_takes_nothing_away(
    orders: Stream, change: str
) -> None:
    if "JSON" in change and orders.source.flavour == "mariadb":
        pytest.skip("MariaDB's JSON is a text")
    orders.start(ledger=False)
    orders.sql("INSERT INTO items VALUES (1, 1, 'a')", "INSERT INTO orders VALUES (1, 'one')")
    orders.until_caught_up()

    orders.sql("ALTER TABLE items DROP KEY order_id", f"ALTER TABLE items {change}")
    orders.sql("INSERT INTO items (id, text) VALUES (2, 'b')")

    said = halted(orders.daemon)
    assert "a table has come to differ from what its mapping says" in said["message"]
    assert "orders.yaml:1: " in said["message"]
    assert said["remedy"].startswith("edit `embed`")
    assert said["table"] == f"{orders.schema}.items"
    assert lines_of(orders, 1) == 1


def test_a_check_tells_what_can_never_match_and_what_has_no_limit(stream: Stream) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    embed = {"author": {**AUTHOR, "on": "user"}, "others": {"many": "users", "on": {"n": "_id"}}}
    stream.table("tweets", "id INT PRIMARY KEY, user VARCHAR(20), n INT", {"embed": embed})
    stream.configure()

    checked = cdc(stream, "check")
    files = cdc(stream, "mapping", "check")

    assert checked.returncode == files.returncode == 2
    never = "`user` holds texts (`user` of {0}.tweets), and `_id` of `users` numbers (`id` of {0}"
    assert never.format(stream.schema) in checked.stdout
    assert never.format(stream.schema) in files.stderr
    assert "the array `others` has no `limit`" in checked.stdout
    assert "index user_1__id_1 of tweets: will be created at the start" in checked.stdout


def test_embeds_are_refused_without_transactions(tweets: Stream) -> None:
    tweets.settings["apply"] = {"mode": "at_least_once"}
    tweets.configure()

    checked = cdc(tweets, "check")
    run = tweets.start(ledger=False)

    assert checked.returncode == run.wait() == 2
    assert "embedded documents are kept right by transactions" in checked.stdout
