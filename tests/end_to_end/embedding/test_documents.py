"""Documents that embed others stay equal to what these collections hold, whatever changes."""

from __future__ import annotations

from tests.end_to_end.embedding.support.kinds import BOTH
from tests.end_to_end.embedding.support.shop import expected, settled
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = BOTH


STEPS = {
    "a child before its parent": ["INSERT INTO order_lines VALUES (1, 1, 1, 1, 10)"],
    "the parent comes": ["INSERT INTO orders VALUES (1, 1, 'first')"],
    "what both refer to comes": [
        "INSERT INTO products VALUES (1, 'pen'), (2, 'ink')",
        "INSERT INTO users VALUES (1, 'Ada', 'x'), (2, 'Bob', 'y')",
    ],
    "all in one transaction": [
        "BEGIN",
        "INSERT INTO orders VALUES (2, 2, 'second'), (3, NULL, 'none')",
        "INSERT INTO order_lines VALUES (2, 2, 2, 2, 20), (3, 2, 1, 1, 30), (4, 2, 1, NULL, 5)",
        "COMMIT",
    ],
    "the parent's own update": ["UPDATE orders SET note = 'changed' WHERE id = 2"],
    "a child moves": ["UPDATE order_lines SET order_id = 1 WHERE id = 2"],
    "a child moves to nobody": ["UPDATE order_lines SET order_id = NULL WHERE id = 3"],
    "a child comes from nobody": ["UPDATE order_lines SET order_id = 3 WHERE id = 3"],
    "a child's key changes": ["UPDATE order_lines SET id = 40 WHERE id = 4"],
    "a child is deleted": ["DELETE FROM order_lines WHERE id = 1"],
    "a child is back": ["INSERT INTO order_lines VALUES (1, 1, 1, 2, 11)"],
    "the order changes": ["UPDATE order_lines SET line_no = 9 WHERE id = 1"],
    "the one changes": ["UPDATE users SET name = 'Eve' WHERE id = 2"],
    "what is not embedded changes": ["UPDATE users SET secret = 'z' WHERE id = 2"],
    "the one below changes": ["UPDATE products SET title = 'quill' WHERE id = 2"],
    "the one goes": ["DELETE FROM users WHERE id = 2", "DELETE FROM products WHERE id = 1"],
    "the one is another": ["UPDATE orders SET customer_id = 1"],
    "the parent's key changes": ["UPDATE orders SET id = 7 WHERE id = 2"],
    "the children follow": ["UPDATE order_lines SET order_id = 7 WHERE order_id = 2"],
    "the parent goes": ["DELETE FROM orders WHERE id = 1"],
    "and comes back": ["INSERT INTO orders VALUES (1, 1, 'again')"],
    "everything at once": [
        "BEGIN",
        "DELETE FROM orders WHERE id = 1",
        "UPDATE order_lines SET order_id = 7, price = price + 1",
        "INSERT INTO orders VALUES (1, 9, 'x')",
        "INSERT INTO users VALUES (9, 'Nine', '')",
        "UPDATE order_lines SET order_id = 1 WHERE id = 1",
        "UPDATE products SET title = 'feather'",
        "COMMIT",
    ],
}


def test_each_change_reaches_the_documents_that_embed_it(shop: Stream) -> None:
    shop.start(ledger=False)

    for step, statements in STEPS.items():
        shop.sql(*statements)
        shop.until_caught_up()
        assert shop.documents("orders") == expected(shop), step


def test_all_changes_in_one_batch_come_to_the_same(shop: Stream) -> None:
    shop.start(ledger=False)
    shop.until_caught_up()
    shop.stop()
    for statements in STEPS.values():
        shop.sql(*statements)

    shop.start(ledger=False)

    settled(shop)


def test_a_copy_comes_to_the_same(shop: Stream) -> None:
    shop.settings["start"] = "backfill"
    for statements in STEPS.values():
        shop.sql(*statements)

    shop.start(ledger=False).until_logged("job_done", count=4)

    settled(shop)


def test_what_is_behind_a_changed_document_in_great_number_is_reached_in_pieces(
    stream: Stream,
) -> None:
    count = 12_000
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    stream.table(
        "tweets",
        "id INT PRIMARY KEY, user_id INT, text VARCHAR(20)",
        {"embed": {"author": {"one": "users", "on": "user_id"}}},
    )
    rows = ", ".join(f"({n}, {1 + n % 2}, 'text')" for n in range(count))
    stream.sql("INSERT INTO users VALUES (1, 'Ada')", f"INSERT INTO tweets VALUES {rows}")
    stream.start(ledger=False)
    stream.until_caught_up()

    for n in range(5):
        stream.sql(
            f"UPDATE users SET name = 'Eve {n}'", f"UPDATE tweets SET text = 'x' WHERE id = {n}"
        )
    stream.sql("INSERT INTO users VALUES (2, 'Bob')", "UPDATE tweets SET user_id = 2 WHERE id < 9")
    stream.until_caught_up()
    eventually(lambda: not stream.state["debts"].count_documents({}))

    users = {1: {"_id": 1, "name": "Eve 4"}, 2: {"_id": 2, "name": "Bob"}}
    for identifier, tweet in stream.documents("tweets").items():
        assert tweet["author"] == users[tweet["user_id"]], identifier
