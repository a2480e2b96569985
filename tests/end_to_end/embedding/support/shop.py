"""A shop: orders that embed their customer, and their lines with the product of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.end_to_end.support.stream import Document, Stream

Rows = dict[Any, dict[str, Any]]


def opened(stream: Stream, policies: Document | None = None) -> Stream:
    """Create the tables and mappings of a shop, each with these policies; return the stream."""
    policies = policies or {}
    stream.table("users", "id INT PRIMARY KEY, name VARCHAR(20), secret VARCHAR(20)", policies)
    stream.table("products", "id INT PRIMARY KEY, title VARCHAR(20)", policies)
    stream.table(
        "order_lines",
        "id INT PRIMARY KEY, order_id INT, line_no INT, product_id INT, price INT, KEY (order_id)",
        {
            **policies,
            "embed": {"product": {"one": "products", "on": "product_id", "fields": ["title"]}},
        },
    )
    stream.table(
        "orders",
        "id INT PRIMARY KEY, customer_id INT, note VARCHAR(20)",
        {
            **policies,
            "embed": {
                "customer": {"one": "users", "on": "customer_id", "fields": ["name"]},
                "lines": {
                    "many": "order_lines",
                    "on": "order_id",
                    "order": ["line_no"],
                    "fields": {"no": "line_no", "price": "price", "product": "product"},
                },
            },
        },
    )
    return stream


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
