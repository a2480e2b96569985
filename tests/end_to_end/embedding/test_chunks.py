"""Copies, comparisons and repairs of documents that embed others, beside a stream that goes on."""

from __future__ import annotations

import random

import pytest

from cdc.model.job import JobKind
from tests.end_to_end.embedding.support.kinds import BOTH, ONE_OF_BOTH
from tests.end_to_end.embedding.support.shop import expected, fill, settled
from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.jobs import jobs
from tests.end_to_end.support.stream import Document, Stream

ORDERS = 300
LINES = 3 * ORDERS


@pytest.fixture
def filled(shop: Stream) -> Stream:
    """A shop whose rows make several chunks, and that is copied."""
    shop.settings["start"] = "backfill"
    shop.settings["chunks"] = {"rows": 50}
    fill(shop, ORDERS)
    shop.start(ledger=False).until_logged("job_done", count=4)
    return shop


def compared(shop: Stream, *arguments: str) -> Command:
    return cdc(shop, "verify", *arguments)


def spoil(shop: Stream, collection: str, key: int, change: Document) -> None:
    assert shop.database[collection].update_one({"_id": key}, change).modified_count == 1


def bustle(shop: Stream, chance: random.Random) -> None:
    """Change rows of every table, several in a transaction."""
    order, line = chance.randint(1, ORDERS), chance.randint(3, LINES)
    shop.transaction(
        f"UPDATE users SET name = '{order}' WHERE id = {chance.randrange(10)}",
        f"UPDATE products SET title = '{line}' WHERE id = {chance.randrange(10)}",
        f"UPDATE order_lines SET order_id = {order}, price = price + 1 WHERE id = {line}",
        f"DELETE FROM order_lines WHERE id = {chance.randint(3, LINES)}",
        f"UPDATE orders SET customer_id = {chance.randrange(12)} WHERE id = {order}",
        f"DELETE FROM orders WHERE id = {chance.randint(1, ORDERS)}",
        f"REPLACE INTO orders VALUES ({chance.randint(1, ORDERS)}, {chance.randrange(12)}, 'new')",
    )


def end_beside_changes(shop: Stream, command: Command) -> None:
    """Change rows until the command ends, never further ahead than the daemon follows."""
    chance, ended = random.Random(0), False
    while not ended:
        ended = command.ended
        for _ in range(10):
            bustle(shop, chance)
        shop.until_caught_up()
    assert command.returncode == 0, command.stdout + command.stderr


@ONE_OF_BOTH
def test_verify_tells_and_repairs_embedded_values_that_are_not_so(filled: Stream) -> None:
    assert compared(filled).returncode == 0
    spoil(filled, "orders", 1, {"$set": {"customer.name": "nobody"}})
    spoil(filled, "orders", 2, {"$pop": {"lines": 1}})
    spoil(filled, "orders", 3, {"$unset": {"customer": ""}})

    told = compared(filled, f"{filled.schema}.orders")

    assert told.returncode == 1
    assert "compared, 3 different" in told.stdout
    assert "different orders 1 customer.name\n" in told.stdout
    assert "different orders 2 lines\n" in told.stdout
    assert "different orders 3 customer\n" in told.stdout
    assert compared(filled, "--repair").returncode == 0
    assert filled.documents("orders") == expected(filled)


@ONE_OF_BOTH
@pytest.mark.parametrize("field", ["price", "product"])
def test_the_repair_of_an_embedded_document_reaches_those_that_embed_it(
    filled: Stream, field: str
) -> None:
    spoil(filled, "order_lines", 30, {"$set": {field: "spoilt"}})

    assert compared(filled, f"{filled.schema}.order_lines", "--repair").returncode == 0

    assert compared(filled).returncode == 0
    assert filled.documents("orders") == expected(filled)


@BOTH
def test_verify_finds_nothing_while_everything_changes(filled: Stream) -> None:
    end_beside_changes(filled, Command(filled, "verify"))

    settled(filled)


@pytest.mark.parametrize(
    ("stream", "kind", "table"),
    [
        ("mysql-gtid", JobKind.BACKFILL, "orders"),
        ("mysql-gtid", JobKind.RESYNC, "order_lines"),
        ("mysql-gtid", JobKind.BACKFILL, "products"),
        ("mariadb-gtid", JobKind.RESYNC, "orders"),
        ("mariadb-gtid", JobKind.BACKFILL, "order_lines"),
        ("mariadb-gtid", JobKind.RESYNC, "products"),
    ],
    indirect=["stream"],
)
def test_a_copy_beside_changes_leaves_right_documents(
    filled: Stream, kind: JobKind, table: str
) -> None:
    end_beside_changes(filled, Command(filled, kind.value, f"{filled.schema}.{table}"))

    settled(filled)
    assert compared(filled).returncode == 0


@ONE_OF_BOTH
def test_a_resync_of_what_is_embedded_mends_the_documents_that_embed_it(filled: Stream) -> None:
    spoil(filled, "order_lines", 30, {"$set": {"price": -1}})
    filled.database["order_lines"].delete_many({"order_id": 12})
    filled.database["order_lines"].insert_one({"_id": 9_999, "order_id": 13})
    for order in (10, 12, 13):
        spoil(filled, "orders", order, {"$set": {"lines": [{"price": -1}]}})

    assert cdc(filled, "resync", f"{filled.schema}.order_lines").returncode == 0

    assert filled.documents("orders") == expected(filled)
    assert compared(filled).returncode == 0


@ONE_OF_BOTH
def test_copies_of_what_is_embedded_come_first_whatever_was_asked_for_first(
    stream: Stream,
) -> None:
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT")
    stream.start(ledger=False).until_logged("streaming")
    stream.sql("INSERT INTO tweets VALUES (1, 7)")
    stream.until_caught_up()
    stream.stop()
    stream.sql("CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20))")
    stream.sql("INSERT INTO users VALUES (7, 'Ada')")
    stream.settings["start"] = "backfill"
    stream.follow("users")
    stream.follow("tweets", {"embed": {"author": {"one": "users", "on": "user_id"}}})
    stream.configure()

    assert cdc(stream, "resync", f"{stream.schema}.tweets").returncode == 0

    done = sorted(jobs(stream, "done"), key=lambda job: job["progress"]["started_at"])
    assert [(job["kind"], job["table"]) for job in done] == [
        ("backfill", f"{stream.schema}.users"),
        ("resync", f"{stream.schema}.tweets"),
    ]
    assert stream.documents("tweets") == {1: {"user_id": 7, "author": {"_id": 7, "name": "Ada"}}}
