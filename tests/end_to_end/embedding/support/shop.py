"""A shop: orders that embed their customer, and their lines with the product of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from tests.end_to_end.support.stream import Document, Stream

Rows = dict[Any, dict[str, Any]]


TABLES = {
    "users": "id INT PRIMARY KEY, name VARCHAR(20), secret VARCHAR(20)",
    "products": "id INT PRIMARY KEY, title VARCHAR(20)",
    "order_lines": "id INT PRIMARY KEY, order_id INT, line_no INT, product_id INT, price INT,"
    " KEY (order_id)",
    "orders": "id INT PRIMARY KEY, customer_id INT, note VARCHAR(20)",
}

EMBEDS: dict[str, dict[str, Any]] = {
    "order_lines": {"product": {"one": "products", "on": "product_id", "fields": ["title"]}},
    "orders": {
        "customer": {"one": "users", "on": "customer_id", "fields": ["name"]},
        "lines": {
            "many": "order_lines",
            "on": "order_id",
            "order": ["line_no"],
            "fields": {"no": "line_no", "price": "price", "product": "product"},
        },
    },
}


def opened(
    stream: Stream, policies: Document | None = None, *, hidden: Collection[str] = ()
) -> Stream:
    """Create the tables and mappings of a shop, each with these policies; return the stream."""
    for name, columns in TABLES.items():
        stream.table(name, columns, (policies or {}) | mapping(name, is_hidden=name in hidden))
    return stream


def mapping(name: str, *, is_hidden: bool = False) -> dict[str, Any]:
    """Return the mapping of one of its tables, but for source and target."""
    embeds = {"embed": EMBEDS[name]} if name in EMBEDS else {}
    return {**embeds, **({"hidden": True} if is_hidden else {})}


def expected(shop: Stream) -> Rows:
    """Return the orders as the tables say they must be, built by SQL rows alone."""
    return joined(shop.rows)


def joined(rows: Callable[[str], Rows]) -> Rows:
    """Return the orders with what the rows of each table say that they embed."""
    users, products = rows("users"), rows("products")
    lines, orders = rows("order_lines"), rows("orders")
    for identifier, order in orders.items():
        user = users.get(order["customer_id"])
        order["customer"] = user and {"name": user["name"]}
        mine = [
            (line["line_no"], key, line)
            for key, line in lines.items()
            if line["order_id"] == identifier
        ]
        order["lines"] = [
            {
                "no": line["line_no"],
                "price": line["price"],
                "product": (product := products.get(line["product_id"]))
                and {"title": product["title"]},
            }
            for _, _, line in sorted(mine, key=lambda each: (each[0] is not None, each[:2]))
        ]
    return orders


def settled(shop: Stream) -> None:
    shop.until_caught_up()
    assert shop.documents("orders") == expected(shop)


def fill(shop: Stream, orders: int) -> None:
    """Insert so many orders with three lines each, some for nobody and of nothing."""
    numbers = range(1, orders + 1)
    lines = [(3 * n + k, n, k, (n + k) % 12, n) for n in numbers for k in range(3)]
    shop.sql(
        f"INSERT INTO users VALUES {_values((n, f'user {n}', 'x') for n in range(10))}",
        f"INSERT INTO products VALUES {_values((n, f'product {n}') for n in range(10))}",
        f"INSERT INTO orders VALUES {_values((n, n % 12, f'note {n}') for n in numbers)}",
        f"INSERT INTO order_lines VALUES {_values(lines)}",
    )


def _values(rows: Iterable[tuple[object, ...]]) -> str:
    return ", ".join(map(repr, rows))
