"""Orders that embed their ten lines, one source transaction an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import catch_up, loading, replication
from bench.catch_up import BATCH_ROWS, Side
from bench.embedding.spread import spread
from bench.loading import Load
from bench.replication import Client
from bench.report import Table
from bench.stage import Document, Stage

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

LINES = 10
ROWS = LINES + 1
"""An order's, all of one transaction."""
SHARE = 0.5
"""The rows of orders and lines, as a share of the run's."""

GOAL = 0.25
EMBEDDING, ALL, ORDERS = "cdc run", "A: all only inserted", "the orders alone"
COLLECTIONS = ("orders", "order_lines")
MAPPINGS: dict[str, Document] = {
    "orders": {
        "source": "twitter.orders",
        "target": "orders",
        "embed": {
            "lines": {
                "many": "order_lines",
                "on": "order_id",
                "order": ["line_no"],
                "fields": ["line_no", "sku", "price"],
            }
        },
    },
    "order_lines": {"source": "twitter.order_lines", "target": "order_lines"},
}
_TABLES = (
    "CREATE TABLE IF NOT EXISTS twitter.orders"
    " (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, note VARCHAR(100) NOT NULL,"
    " created_at DATETIME(6) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS twitter.order_lines"
    " (id BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, line_no INT NOT NULL,"
    " sku VARCHAR(30) NOT NULL, price INT NOT NULL)",
)


def run(stage: Stage) -> Table:
    """Catch up with orders and lines, then only insert what came out, in turns."""
    load = _insert(stage)
    orders = load.rows // ROWS
    embedding, inserted = Side(EMBEDDING, load.rows, []), Side(ALL, load.rows, [])
    alone = Side(ORDERS, orders, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: {EMBEDDING}, then inserts only")
            names = stage.configure(
                start=load.start, apply={"batch_rows": BATCH_ROWS}, mappings=MAPPINGS
            )
            embedding.figures.append(replication.catch_up(stage, load, names, client))
            _check(client, names.database, orders)
            for side, collections in ((inserted, COLLECTIONS), (alone, COLLECTIONS[:1])):
                caught = catch_up.insert_only(stage, client, names.database, collections)
                side.figures.append(caught)
            client.drop_database(names.database)
    return _table(embedding, inserted, alone)


def _insert(stage: Stage) -> Load:
    orders = int(stage.rows * SHARE) // ROWS
    stage.say(f"loading {orders:,} orders of {LINES} lines, one a transaction")
    for statement in _TABLES:
        stage.source.execute(statement)
    start = stage.executed()
    with loading.quickly(stage) as connection, connection.cursor() as cursor:
        for number in range(1, orders + 1):
            _order(cursor, number)
    return Load("orders", orders * ROWS, ROWS, start, stage.executed())


def _order(cursor: Cursor, number: int) -> None:
    lines = ", ".join(
        f"({number * LINES + at}, {number}, {at}, 'article {number * 7 + at}', {at * 100})"
        for at in range(LINES)
    )
    cursor.execute("BEGIN")
    cursor.execute(
        f"INSERT INTO twitter.orders VALUES ({number}, {number % 1000}, 'to be sent soon', NOW(6))"
    )
    cursor.execute(f"INSERT INTO twitter.order_lines VALUES {lines}")
    cursor.execute("COMMIT")


def _check(client: Client, database: str, orders: int) -> None:
    """Raise AssertionError unless each order has its lines."""
    whole = client[database]["orders"].count_documents({"lines": {"$size": LINES}})
    assert whole == orders, f"{whole} of {orders} orders have their lines"


def _table(embedding: Side, inserted: Side, alone: Side) -> Table:
    table = Table("embedding: orders with ten lines each, one source transaction an order")
    for side in (embedding, inserted):
        row = side.row(f"1 order, {LINES} lines", inserted)
        row["documents"], row["documents/s"] = row.pop("rows"), row.pop("rows/s")
        table.rows.append(row)
    orders = embedding.rows_per_second / ROWS / alone.rows_per_second
    table.notes = [
        spread(
            [each.seconds for each in embedding.figures],
            [each.seconds for each in inserted.figures],
            GOAL,
        ),
        "documents are the orders, with their lines in them, and the lines in their own collection;"
        f" A inserts them encoded before, {BATCH_ROWS:,} a transaction at majority",
        f"against inserts of the orders alone, cdc reaches {orders:.2f} in orders/s",
    ]
    return table
