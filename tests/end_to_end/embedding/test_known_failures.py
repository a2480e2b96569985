"""What others get wrong where they embed: each of it a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cdc.writers.observer import WriteStep
from cdc_sandbox.servers import MongoServer
from tests.end_to_end.embedding.support.kinds import ONE_OF_BOTH
from tests.end_to_end.embedding.support.settling import owes_nothing, settled
from tests.end_to_end.support.commit_trap import CommitTrap
from tests.end_to_end.support.faulty import AT_ONCE
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually

DRIVER_TRIES = 2
"""pymongo repeats a commit once by itself."""

MANY = 30_000
"""Documents behind one row; 600,000 with --budget 20."""

LINES: Document = {"many": "items", "on": "order_id", "fields": ["_id", "text"]}


@pytest.fixture
def orders(stream: Stream) -> Stream:
    """Orders that embed their lines."""
    stream.table("items", "id INT PRIMARY KEY, order_id INT, text VARCHAR(20)")
    stream.table("orders", "id INT PRIMARY KEY, note VARCHAR(20)", {"embed": {"lines": LINES}})
    return stream


@pytest.fixture
def tweets(stream: Stream) -> Stream:
    """Tweets that embed their author's name."""
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20), seen INT")
    author = {"one": "users", "on": "user_id", "fields": ["name"]}
    stream.table("tweets", "id INT PRIMARY KEY, user_id INT", {"embed": {"author": author}})
    return stream


def embedded(stream: Stream, path: str = "lines", collection: str = "orders") -> dict[Any, Any]:
    return {key: each[path] for key, each in stream.documents(collection).items()}


def numbers(stream: Stream) -> dict[Any, list[int]]:
    """The lines of each order by their ids."""
    return {key: [line["_id"] for line in lines] for key, lines in embedded(stream).items()}


def begun(stream: Stream, *statements: str) -> None:
    stream.sql(*statements)
    stream.start(ledger=False)
    stream.until_caught_up()


def applied(stream: Stream, *statements: str) -> None:
    stream.sql(*statements)
    stream.until_caught_up()


@ONE_OF_BOTH
def test_an_element_that_moves_leaves_its_old_parent(orders: Stream) -> None:
    begun(
        orders,
        "INSERT INTO orders VALUES (1, ''), (2, '')",
        "INSERT INTO items VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c')",
    )

    applied(orders, "UPDATE items SET order_id = 2 WHERE id = 1")

    assert numbers(orders) == {1: [2], 2: [1, 3]}


@ONE_OF_BOTH
def test_a_key_that_was_null_arrives_when_it_is_given(orders: Stream) -> None:
    begun(
        orders,
        "INSERT INTO orders VALUES (1, ''), (2, '')",
        "INSERT INTO items VALUES (1, NULL, 'a')",
    )
    assert numbers(orders) == {1: [], 2: []}

    applied(orders, "UPDATE items SET order_id = 2")
    assert numbers(orders) == {1: [], 2: [1]}

    applied(orders, "UPDATE items SET order_id = NULL")
    assert numbers(orders) == {1: [], 2: []}


@ONE_OF_BOTH
def test_a_level_that_goes_takes_the_one_below_it_along(stream: Stream) -> None:
    stream.table("makers", "id INT PRIMARY KEY, name VARCHAR(20)")
    for child, parent in [("makers", "products"), ("products", "items"), ("items", "orders")]:
        embed = {"below": {"one": child, "on": "below_id"}}
        stream.table(parent, "id INT PRIMARY KEY, below_id INT", {"embed": embed})
    begun(
        stream,
        "INSERT INTO makers VALUES (7, 'Ada')",
        *(f"INSERT INTO {each} VALUES (7, 7)" for each in ("products", "items", "orders")),
    )
    whole = embedded(stream, "below")[7]
    assert whole["below"]["below"] == {"_id": 7, "name": "Ada"}

    applied(stream, "UPDATE items SET below_id = NULL")
    assert embedded(stream, "below") == {7: {"_id": 7, "below_id": None, "below": None}}

    applied(stream, "UPDATE items SET below_id = 7", "DELETE FROM products")
    assert embedded(stream, "below") == {7: {"_id": 7, "below_id": 7, "below": None}}

    applied(stream, "INSERT INTO products VALUES (7, 7)")
    assert embedded(stream, "below") == {7: whole}


@ONE_OF_BOTH
def test_two_tables_with_a_field_of_one_name_are_two(stream: Stream) -> None:
    for table in ("homes", "offices"):
        stream.table(table, "id INT PRIMARY KEY, city VARCHAR(20)")
    embed = {
        "home": {"one": "homes", "on": "home_id", "fields": ["city"]},
        "office": {"one": "offices", "on": "office_id", "fields": ["city"]},
    }
    stream.table(
        "people", "id INT PRIMARY KEY, home_id INT, office_id INT, city INT", {"embed": embed}
    )
    begun(
        stream,
        "INSERT INTO homes VALUES (1, 'Rome')",
        "INSERT INTO offices VALUES (1, 'Oslo')",
        "INSERT INTO people VALUES (1, 1, 1, 5)",
    )

    applied(stream, "UPDATE homes SET city = NULL")
    [person] = stream.documents("people").values()
    assert (person["home"], person["office"]) == ({"city": None}, {"city": "Oslo"})

    applied(stream, "DELETE FROM homes")
    [person] = stream.documents("people").values()
    assert (person["home"], person["office"]) == (None, {"city": "Oslo"})
    assert person["city"] == 5


@ONE_OF_BOTH
@pytest.mark.slow
def test_of_twenty_thousand_children_inserted_at_once_all_arrive(orders: Stream) -> None:
    count, parents = 20_000, 10
    begun(orders, *(f"INSERT INTO orders VALUES ({n}, '')" for n in range(parents)))
    rows = ", ".join(f"({n}, {n % parents}, 'x')" for n in range(count))

    applied(orders, f"INSERT INTO items VALUES {rows}")

    assert numbers(orders) == {n: [*range(n, count, parents)] for n in range(parents)}


@ONE_OF_BOTH
def test_a_grandchild_is_joined_by_its_parents_key_and_no_other(stream: Stream) -> None:
    stream.table("products", "id INT PRIMARY KEY, title VARCHAR(20)")
    product = {"one": "products", "on": "product_id", "fields": ["title"]}
    stream.table(
        "items",
        "id INT PRIMARY KEY, order_id INT, product_id INT",
        {"embed": {"product": product}},
    )
    lines = {"many": "items", "on": "order_id", "fields": ["product"]}
    stream.table("orders", "id INT PRIMARY KEY, product_id INT", {"embed": {"lines": lines}})
    begun(
        stream,
        "INSERT INTO products VALUES (1, 'one'), (2, 'two'), (3, 'three')",
        "INSERT INTO orders VALUES (1, 3), (2, 1), (3, 2)",  # no key means what another does
        "INSERT INTO items VALUES (1, 2, 3), (2, 3, 1), (3, 1, 2)",
    )

    applied(stream, "UPDATE products SET title = UPPER(title)")

    titles = {key: value[0]["product"]["title"] for key, value in embedded(stream).items()}
    assert titles == {1: "TWO", 2: "THREE", 3: "ONE"}


@ONE_OF_BOTH
def test_a_column_belongs_to_two_compound_keys(stream: Stream) -> None:
    for table in ("customers", "products"):
        stream.table(
            table,
            "tenant INT, number INT, name VARCHAR(20), PRIMARY KEY (tenant, number)",
            {"id": ["tenant", "number"]},
        )
    embed = {
        path: {
            "one": f"{path}s",
            "on": {"tenant": "_id.tenant", path: "_id.number"},
            "fields": ["name"],
        }
        for path in ("customer", "product")
    }
    renamed = {f"{path}_of": each for path, each in embed.items()}
    stream.table(
        "orders",
        "id INT PRIMARY KEY, tenant INT, customer INT, product INT",
        {"embed": renamed},
    )
    names = ", ".join(f"({tenant}, {n}, '{tenant}.{n}')" for tenant in (1, 2) for n in (1, 2))
    begun(
        stream,
        f"INSERT INTO customers VALUES {names}",
        f"INSERT INTO products VALUES {names}",
        "INSERT INTO orders VALUES (1, 1, 1, 2)",
    )

    def found() -> tuple[Any, Any]:
        [order] = stream.documents("orders").values()
        return order["customer_of"], order["product_of"]

    assert found() == ({"name": "1.1"}, {"name": "1.2"})

    applied(stream, "UPDATE orders SET tenant = 2")
    assert found() == ({"name": "2.1"}, {"name": "2.2"})

    applied(stream, "UPDATE orders SET customer = NULL")
    assert found() == (None, {"name": "2.2"})

    applied(stream, "UPDATE orders SET tenant = NULL, customer = 1")
    assert found() == (None, None)


@ONE_OF_BOTH
def test_a_table_is_embedded_in_several_collections_and_twice_in_one(stream: Stream) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    twice = {path: {"one": "users", "on": f"{path}_id"} for path in ("buyer", "seller")}
    once = {"by.author": {"one": "users", "on": "user_id", "fields": ["name"]}}
    stream.table("sales", "id INT PRIMARY KEY, buyer_id INT, seller_id INT", {"embed": twice})
    stream.table("posts", "id INT PRIMARY KEY, user_id INT", {"embed": once})
    begun(
        stream,
        "INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')",
        "INSERT INTO sales VALUES (1, 1, 2), (2, 1, 1), (3, 2, NULL)",
        "INSERT INTO posts VALUES (1, 1), (2, 2)",
    )

    applied(stream, "UPDATE users SET name = 'Eve' WHERE id = 1")

    eve, bob = {"_id": 1, "name": "Eve"}, {"_id": 2, "name": "Bob"}
    assert embedded(stream, "buyer", "sales") == {1: eve, 2: eve, 3: bob}
    assert embedded(stream, "seller", "sales") == {1: bob, 2: eve, 3: None}
    assert embedded(stream, "by", "posts") == {
        1: {"author": {"name": "Eve"}},
        2: {"author": {"name": "Bob"}},
    }


IN_A_BATCH = [each for each in WriteStep if each is not WriteStep.AFTER_PIECE]


@ONE_OF_BOTH
@pytest.mark.parametrize("owes", [False, True], ids=["at once", "owed"])
@pytest.mark.parametrize("step", IN_A_BATCH, ids=lambda step: step.value)
def test_nothing_that_is_tried_again_doubles_an_element(
    orders: Stream, step: WriteStep, owes: bool
) -> None:
    if step is WriteStep.IN_PIECE and not owes:
        pytest.skip("what is derived at once has no pieces")
    orders.settings["apply"] = {"batch_rows": 1}
    if owes:
        orders.environment[AT_ONCE] = "0:1"
    orders.sql("INSERT INTO orders VALUES (1, ''), (2, '')", "INSERT INTO items VALUES (1, 1, 'a')")
    orders.transaction("INSERT INTO items VALUES (2, 1, 'b')", "UPDATE items SET order_id = 2")
    orders.sql(
        "UPDATE items SET id = 5, order_id = 1 WHERE id = 2", "DELETE FROM orders WHERE id = 2"
    )

    for _ in range(2):
        died = orders.start(fault=f"{step.value}:2", ledger=False)
        assert died.wait() == -9, died.stderr
    orders.start(ledger=False)

    settled(orders)
    assert numbers(orders) == {1: [5]}


@ONE_OF_BOTH
def test_what_is_derived_is_seen_with_what_it_follows_from_or_not_at_all(orders: Stream) -> None:
    begun(orders, "INSERT INTO orders VALUES (1, '')", "INSERT INTO items VALUES (1, 1, 'a')")
    orders.stop()
    orders.sql("UPDATE items SET text = 'b'")

    assert orders.start(fault="before_commit:1", ledger=False).wait() == -9

    assert orders.documents("items") == {1: {"order_id": 1, "text": "a"}}
    assert embedded(orders) == {1: [{"_id": 1, "text": "a"}]}


@pytest.fixture
def proxy(mongo: MongoServer) -> Iterator[Proxy]:
    with Proxy(mongo.port, framed=True) as proxy:
        yield proxy


@ONE_OF_BOTH
@pytest.mark.parametrize("lands", [True, False], ids=["it landed", "it was lost"])
def test_a_commit_without_an_answer_doubles_no_element(
    orders: Stream, proxy: Proxy, lands: bool
) -> None:
    orders.proxied_target(proxy.port)
    begun(orders, "INSERT INTO orders VALUES (1, '')", "INSERT INTO items VALUES (1, 1, 'a')")
    trap = CommitTrap(proxy, count=DRIVER_TRIES, cut_before=not lands)

    applied(orders, "INSERT INTO items VALUES (2, 1, 'b'), (3, 1, 'c')")

    eventually(lambda: trap.caught == DRIVER_TRIES, waiting_for="the driver's second try")
    if lands:
        orders.daemon.until_logged("commit_had_landed")
    applied(orders, "INSERT INTO items VALUES (4, 1, 'd')")
    assert numbers(orders) == {1: [1, 2, 3, 4]}


@ONE_OF_BOTH
@pytest.mark.slow
def test_what_changes_beside_the_first_copy_is_kept(orders: Stream) -> None:
    count = 400
    orders.settings |= {"start": "backfill", "chunks": {"rows": 20, "rows_per_second": 400}}
    orders.sql(*(f"INSERT INTO orders VALUES ({n}, '')" for n in range(count // 4)))
    rows = ", ".join(f"({n}, {n % (count // 4)}, 'old')" for n in range(count))
    orders.sql(f"INSERT INTO items VALUES {rows}")

    orders.start(ledger=False).until_logged("job_started")
    for n in range(0, count, 2):  # row after row, on both sides of what is copied
        orders.sql(f"UPDATE items SET text = 'new', order_id = {n % 7} WHERE id = {n}")
    settled(orders)

    lines = orders.rows("items")
    assert embedded(orders) == {
        key: [
            {"_id": line, "text": row["text"]}
            for line, row in sorted(lines.items())
            if row["order_id"] == key
        ]
        for key in orders.rows("orders")
    }


@ONE_KIND
@pytest.mark.slow
def test_a_row_behind_very_many_documents_reaches_all_and_holds_up_nothing(
    tweets: Stream, budget: int
) -> None:
    count = MANY * budget
    rows = [f"({n}, {1 + (n % 100 == 0)})" for n in range(count)]
    tweets.sql("INSERT INTO users VALUES (1, 'Ada', 0), (2, 'Bob', 0)")
    for at in range(0, count, 20_000):
        tweets.sql(f"INSERT INTO tweets VALUES {', '.join(rows[at : at + 20_000])}")
    begun(tweets)

    for n in range(3):
        tweets.sql(f"UPDATE users SET name = 'Eve {n}' WHERE id = 1")
    tweets.sql("UPDATE users SET name = 'Rob' WHERE id = 2")
    tweets.until_caught_up()
    owed = tweets.state["debts"].count_documents({})
    at_the_end = tweets.database["tweets"].find_one({"_id": count - 1})
    assert at_the_end is not None
    eventually(lambda: owes_nothing(tweets), 60 * budget)

    assert 1 <= owed <= 2  # three changes are one debt; the other row may share its batch
    assert at_the_end["author"] == {"name": "Ada"}
    names = {1: {"name": "Eve 2"}, 2: {"name": "Rob"}}
    wrong = [
        each
        for each in tweets.database["tweets"].find()
        if each["author"] != names[each["user_id"]]
    ]
    assert not wrong, wrong[:3]


def profiled(stream: Stream) -> list[Document]:
    """What MongoDB did for the stream's documents: reads and writes, and how it found them."""
    return [
        each
        for each in stream.database["system.profile"].find()
        if each["op"] in ("query", "update", "remove", "getmore")
        and each["ns"].rpartition(".")[2] in stream.tables
    ]


@ONE_KIND
@pytest.mark.parametrize("limits", ["", "0:10"], ids=["at once", "owed"])
def test_every_lookup_uses_an_index_and_reads_only_what_it_finds(
    stream: Stream, limits: str
) -> None:
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20)")
    stream.table("items", "id INT PRIMARY KEY, order_id INT, number INT, text VARCHAR(20)")
    embed = {
        "customer": {"one": "users", "on": "customer_id", "fields": ["name"]},
        "lines": {"many": "items", "on": "order_id", "order": ["number"]},
        "first": {"many": "items", "on": "order_id", "order": ["number"], "limit": 2},
    }
    stream.table("orders", "id INT PRIMARY KEY, customer_id INT", {"embed": embed})
    orders = ", ".join(f"({n}, {n // 50})" for n in range(1_000))
    lines = ", ".join(f"({n}, {n // 3}, {-n}, '')" for n in range(3_000))
    begun(
        stream,
        f"INSERT INTO orders VALUES {orders}",
        f"INSERT INTO items VALUES {lines}",
        "INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')",
    )
    stream.stop()
    if limits:
        stream.environment[AT_ONCE] = limits
    stream.start(ledger=False)
    stream.until_streaming()
    stream.database.command("profile", 2)

    stream.sql(
        "UPDATE users SET name = 'Eve' WHERE id = 1",
        "UPDATE items SET text = 'x', order_id = 5 WHERE id < 5",
        "UPDATE orders SET customer_id = 2 WHERE id = 7",
        "DELETE FROM items WHERE id = 9",
    )
    settled(stream)
    stream.database.command("profile", 0)

    found = profiled(stream)
    assert {each["op"] for each in found} >= {"query", "update"}
    for each in found:
        assert "COLLSCAN" not in each.get("planSummary", ""), each
        most = each.get("nreturned", 0) + each.get("nMatched", 0) + each.get("ndeleted", 0)
        assert each.get("docsExamined", 0) <= most + 1, each


@ONE_KIND
def test_a_change_of_what_is_not_embedded_touches_no_document_that_embeds(tweets: Stream) -> None:
    begun(tweets, "INSERT INTO users VALUES (1, 'Ada', 0)", "INSERT INTO tweets VALUES (1, 1)")
    tweets.database.command("profile", 2)

    applied(tweets, "UPDATE users SET seen = 1")
    untouched = [each["ns"].rpartition(".")[2] for each in profiled(tweets)]
    applied(tweets, "UPDATE users SET name = 'Eve'")
    tweets.database.command("profile", 0)

    assert {*untouched} == {"users"}
    assert "tweets" in {each["ns"].rpartition(".")[2] for each in profiled(tweets)}
