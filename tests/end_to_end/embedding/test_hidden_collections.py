"""Collections for embedding only: nobody sees them, and all that embeds them is right."""

from __future__ import annotations

import random

import pytest

from cdc.writers.observer import WriteStep
from tests.end_to_end.embedding.support.hiding import hidden_collection
from tests.end_to_end.embedding.support.kinds import ONE_OF_BOTH
from tests.end_to_end.embedding.support.shop import expected, fill, mapping, opened, settled
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream

pytestmark = ONE_OF_BOTH

HIDDEN = ("users", "products", "order_lines")
ORDERS = 100
LINES = 3 * ORDERS
STEPS = [WriteStep.AFTER_FIRST_WRITE, WriteStep.BEFORE_COMMIT, WriteStep.AFTER_COMMIT]


@pytest.fixture
def shop(stream: Stream) -> Stream:
    """A shop of which only the orders are seen; its rows make several chunks."""
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 50}
    fill(opened(stream, hidden=HIDDEN), ORDERS)
    return stream


@pytest.fixture
def copied(shop: Stream) -> Stream:
    shop.start(ledger=False)
    until_copied(shop, 4)
    return shop


def tables(shop: Stream, *names: str) -> list[str]:
    return [f"{shop.schema}.{name}" for name in names]


def change(shop: Stream, seed: int) -> None:
    """Change rows of every table in one transaction."""
    chance = random.Random(seed)
    line, order = chance.randint(3, LINES), chance.randint(1, ORDERS)
    shop.transaction(
        f"UPDATE users SET name = 'u{seed}' WHERE id = {chance.randrange(10)}",
        f"UPDATE products SET title = 'p{seed}' WHERE id = {chance.randrange(10)}",
        f"UPDATE order_lines SET order_id = {order}, price = {seed} WHERE id = {line}",
        f"DELETE FROM order_lines WHERE id = {chance.randint(3, LINES)}",
        f"DELETE FROM orders WHERE id = {chance.randint(1, ORDERS)}",
        f"REPLACE INTO orders VALUES ({order}, {chance.randrange(12)}, 'n{seed}')",
    )


def is_unseen(shop: Stream) -> bool:
    """Whether the target's database has nothing but orders, and the state's all the rest."""
    return shop.database.list_collection_names() == ["orders"] and all(
        {each["_id"] for each in hidden_collection(shop, name).find()} == shop.rows(name).keys()
        for name in HIDDEN
    )


def test_a_copy_and_the_stream_leave_nothing_of_them_in_the_target(copied: Stream) -> None:
    settled(copied)

    for seed in range(5):
        change(copied, seed)

    settled(copied)
    assert is_unseen(copied)


def test_a_daemon_that_is_killed_goes_on_with_them(copied: Stream) -> None:
    for seed, step in enumerate(STEPS):
        copied.stop()
        copied.start(ledger=False, fault=f"{step.value}:1")
        change(copied, seed)
        copied.daemon.wait()
        copied.start(ledger=False)
        settled(copied)

    assert is_unseen(copied)
    assert cdc(copied, "verify").returncode == 0


def test_verify_tells_what_differs_in_them_and_its_repair_reaches_the_documents(
    copied: Stream,
) -> None:
    hidden_collection(copied, "order_lines").update_one({"_id": 30}, {"$set": {"price": -1}})
    hidden_collection(copied, "users").delete_one({"_id": 3})
    hidden_collection(copied, "products").insert_one({"_id": 77, "title": "nothing"})

    told = cdc(copied, "verify")

    assert told.returncode == 1
    assert "different order_lines 30 price\n" in told.stdout
    assert "missing   users 3\n" in told.stdout
    assert "extra     products 77\n" in told.stdout
    assert cdc(copied, "verify", "--repair").returncode == 0
    assert cdc(copied, "verify").returncode == 0
    assert copied.documents("orders") == expected(copied)
    assert is_unseen(copied)


def test_a_resync_makes_them_and_what_embeds_them_anew(copied: Stream) -> None:
    hidden_collection(copied, "order_lines").delete_many({"order_id": 12})
    hidden_collection(copied, "order_lines").insert_one({"_id": 9_999, "order_id": 13})
    copied.database["orders"].update_many({"_id": {"$in": [12, 13]}}, {"$set": {"lines": []}})

    assert cdc(copied, "resync", *tables(copied, "order_lines")).returncode == 0

    assert copied.documents("orders") == expected(copied)
    assert is_unseen(copied)


def test_a_check_and_the_claims_tell_where_they_are(copied: Stream) -> None:
    name = f"{copied.state.name}.embedded-{copied.name}.users"

    checked, claims = cdc(copied, "check"), cdc(copied, "claims", "list")

    assert checked.returncode == 0
    assert f"write to {name}" in checked.stdout
    assert [name, copied.name] in [line.split()[:2] for line in claims.stdout.splitlines()]
    assert f"{copied.database.name}.users" not in checked.stdout + claims.stdout


def test_two_streams_that_share_their_state_have_each_their_own(
    shop: Stream, make_stream: MakeStream
) -> None:
    other = make_stream(shop.source, shop.mongo, shop.client, type(shop.history))
    other.settings["target"]["state_database"] = shop.state.name
    other.settings["start"] = "backfill"
    other.state = shop.state
    fill(opened(other, hidden=HIDDEN), ORDERS // 2)
    for each in (shop, other):
        each.start(ledger=False).until_logged("job_done", count=4)
    change(other, 1)

    for each in (shop, other):
        settled(each)
        assert is_unseen(each)


def test_a_truncate_empties_it_and_reaches_what_embeds_it(copied: Stream) -> None:
    copied.sql("TRUNCATE TABLE products", "INSERT INTO products VALUES (5, 'new')")

    settled(copied)
    assert [*hidden_collection(copied, "products").find()] == [{"_id": 5, "title": "new"}]
    assert hidden_collection(copied, "order_lines").count_documents({}) == LINES


def test_a_row_that_fits_no_hidden_collection_is_a_dead_letter_and_comes_once_it_fits(
    copied: Stream,
) -> None:
    validator = {"price": {"$ne": 666}}
    name = f"embedded-{copied.name}.order_lines"
    copied.state.command("collMod", name, validator=validator)

    copied.sql("UPDATE order_lines SET price = 666 WHERE id = 30")
    copied.until_caught_up()

    [letter] = copied.state["dead_letters"].find({"state": "open"})
    assert (letter["collection"], letter["table"]) == (
        "order_lines",
        f"{copied.schema}.order_lines",
    )
    copied.state.command("collMod", name, validator={})
    assert cdc(copied, "dead-letters", "retry", "--all").returncode == 0
    settled(copied)


@pytest.mark.parametrize("hidden_first", [False, True])
def test_one_that_is_hidden_or_shown_later_is_made_anew_with_what_embeds_it(
    stream: Stream, hidden_first: bool
) -> None:
    stream.settings["start"] = "backfill"
    fill(opened(stream, hidden=HIDDEN if hidden_first else ()), ORDERS)
    stream.start(ledger=False)
    until_copied(stream, 4)
    stream.stop()
    for name in HIDDEN:
        stream.follow(name, mapping(name, is_hidden=not hidden_first))
    change(stream, 0)  # what goes now has no document by which its parents are found

    refused = stream.start(ledger=False)
    assert refused.wait() == 2
    accepting = stream.start("--accept-mapping-change", ledger=False)
    assert accepting.wait() == 2
    now = "is no longer hidden" if hidden_first else "is hidden now"
    assert f"users {now}" in accepting.stderr
    names = [*HIDDEN, "orders"]
    assert cdc(stream, "resync", *tables(stream, *names)).returncode == 0
    stream.start(ledger=False)
    change(stream, 1)

    settled(stream)
    assert cdc(stream, "verify").returncode == 0
    found = "former" if hidden_first else "stream"
    claim = stream.state["claims"].find_one(
        {"_id": f"{stream.state.name}.embedded-{stream.name}.users"}
    )
    assert claim is not None
    assert claim[found] == stream.name
