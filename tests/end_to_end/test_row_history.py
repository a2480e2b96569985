"""`history`: each change of a row is kept once, as what its document was before and after."""

from __future__ import annotations

import pytest

from cdc.native import VARIABLE
from cdc.writers.observer import WriteStep
from tests.end_to_end.support.row_history import (
    COLUMNS,
    MAPPING,
    Recorder,
    Row,
    Workload,
    assert_kept,
    history,
    mapped,
    replayed,
)
from tests.end_to_end.support.stream import Document, Stream

CHANGES = [
    ("INSERT INTO orders VALUES (1, 1, 'one', 'fragile', 1, 's'), (2, 2, NULL, NULL, 2, NULL)",),
    ("UPDATE orders SET number = number + 1",),
    ("UPDATE orders SET secret = 'other'",),
    (
        "UPDATE orders SET number = 10 WHERE id = 1",
        "UPDATE orders SET number = 11, secret = 'x' WHERE id = 1",
        "DELETE FROM orders WHERE id = 1",
        "INSERT INTO orders VALUES (1, 3, 'again', '', 1, 's')",
    ),
    ("UPDATE orders SET id = id + 10 WHERE id = 1", "UPDATE orders SET word = 'moved'"),
    ("DELETE FROM orders",),
]


@pytest.fixture
def orders(stream: Stream) -> Stream:
    stream.table("orders", COLUMNS, MAPPING)
    stream.table("others", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.tables.remove("orders")
    return stream


@pytest.fixture(params=["1", "0"], ids=["native", "python"])
def native(request: pytest.FixtureRequest, stream: Stream) -> None:
    stream.environment = {VARIABLE: request.param}


@pytest.mark.usefixtures("native")
def test_each_change_is_kept_once_though_a_batch_writes_a_document_once(orders: Stream) -> None:
    recorder = Recorder(orders)
    for statements in CHANGES:
        recorder.transaction(*statements)
    orders.sql("INSERT INTO others VALUES (1, 'beside')")
    orders.transaction("INSERT INTO orders VALUES (9, 9, '', '', 9, '')", end="ROLLBACK")

    orders.start()
    orders.settle()

    assert_kept(orders, recorder)
    assert orders.documents("orders") == {}
    assert replayed(history(orders)) == {}
    moved = next(each for each in history(orders) if len(each["keys"]) == 2)
    assert moved["keys"] == [1, 11]
    assert moved["before"] == {"_id": 1, "word": "again", "note": "", "number": 1}
    assert moved["after"] == {**moved["before"], "_id": 11}
    assert "fragile" not in str(history(orders))


@pytest.mark.parametrize(
    "point",
    [
        WriteStep.BEFORE_TRANSACTION,
        WriteStep.AFTER_FIRST_WRITE,
        WriteStep.BEFORE_COMMIT,
        WriteStep.AFTER_COMMIT,
    ],
    ids=lambda point: point.value,
)
def test_a_daemon_killed_in_a_batch_keeps_each_change_once(
    orders: Stream, point: WriteStep
) -> None:
    orders.settings["apply"] = {"batch_rows": 1}
    recorder = Recorder(orders)
    for statements in CHANGES:
        recorder.transaction(*statements)

    for batch in (1, 2):
        assert orders.start(fault=f"{point.value}:{batch}").wait() == -9
    orders.start()
    orders.settle()

    assert_kept(orders, recorder)


PARTS = {"transaction_bytes": 3_000, "batch_rows": 1}


def large(recorder: Recorder) -> None:
    """A transaction that travels in parts: several tables, many rows events."""
    word = "REPEAT('x', 900)"
    recorder.transaction(
        *(f"INSERT INTO orders VALUES ({n}, {n + 100}, {word}, 'n', 0, '')" for n in range(12)),
        "UPDATE orders SET number = number + 1 WHERE id < 6",
        "INSERT INTO others VALUES (1, 'beside')",
        "UPDATE orders SET secret = 'y'",
        "UPDATE orders SET number = number + 1",
        "DELETE FROM orders WHERE id > 8",
    )


@pytest.mark.parametrize("fault", ["before_commit:3", "after_commit:2", "after_commit:5"])
def test_rows_keep_their_numbers_where_a_transaction_travels_in_parts(
    orders: Stream, fault: str
) -> None:
    orders.settings["apply"] = PARTS
    recorder = Recorder(orders)
    large(recorder)
    recorder.transaction("UPDATE orders SET number = 0")

    assert orders.start(fault=fault).wait() == -9
    state = orders.state_document()
    assert state is not None
    inflight = state["inflight"]
    assert inflight["rows"][0]["rows"] > 0
    orders.start()
    orders.settle()

    assert_kept(orders, recorder)
    rows = [each["_id"]["row"] for each in history(orders)]
    unseen = 12  # changed nothing of a document, between the 18th and the 19th
    assert rows[:30] == [*range(1, 19), *range(19 + unseen, 31 + unseen)]


def test_what_is_read_again_is_kept_once(orders: Stream) -> None:
    recorder = Recorder(orders)
    orders.settings["apply"] = PARTS
    large(recorder)
    for statements in CHANGES[1:]:
        recorder.transaction(*statements)
    orders.start()
    orders.until_caught_up()
    orders.stop()
    before = history(orders)
    orders.database["orders"].drop()
    orders.database["others"].drop()
    orders.state["streams"].drop()

    orders.settings["apply"] = {}
    orders.start(ledger=False)
    orders.until_caught_up()

    assert before
    assert history(orders) == before
    assert_kept(orders, recorder)


KILLS = ["before_commit:2", "after_commit:4", "after_first_write:3", "before_transaction:2"]


@pytest.mark.long
def test_a_random_workload_is_kept_through_kills(orders: Stream, budget: int, seed: int) -> None:
    orders.settings["apply"] = {"batch_rows": 7, "transaction_bytes": 2_500, "linger_ms": 20}
    recorder = Recorder(orders)
    workload = Workload(seed)

    for at, fault in enumerate(KILLS * budget):
        orders.environment = {VARIABLE: str(at % 2)}
        daemon = orders.start(fault=fault)
        for statements in workload.transactions(40):
            recorder.transaction(*statements)
        assert daemon.wait() == -9
    orders.start()
    orders.settle()

    assert_kept(orders, recorder)
    documents = {each["_id"]: each for each in orders.database["orders"].find()}
    assert replayed(history(orders)) == documents


def shown(row: Row) -> Document | None:
    """The document of a row where the mapping has a filter."""
    is_shown = row["number"] % 3 or (row["note"] or "").endswith("7")
    return mapped(row) if is_shown else None


@pytest.mark.long
def test_a_filter_and_marks_are_kept_through_kills_and_when_read_again(
    orders: Stream, budget: int, seed: int
) -> None:
    marks = {"set": {"gone": True, "at": "$now"}}
    where = "number % 3 <> 0 OR note LIKE '%7'"
    orders.follow("orders", {**MAPPING, "where": where, "on_delete": marks})
    orders.settings["apply"] = {"batch_rows": 7, "transaction_bytes": 2_500, "linger_ms": 20}
    recorder = Recorder(orders, document=shown)
    workload = Workload(seed)

    for at, fault in enumerate(KILLS * budget):
        orders.environment = {VARIABLE: str(at % 2)}
        daemon = orders.start(fault=fault, ledger=False)
        for statements in workload.transactions(40):
            recorder.transaction(*statements)
        assert daemon.wait() == -9
    orders.start(ledger=False)
    orders.until_caught_up()
    orders.stop()
    before = history(orders)
    orders.state["streams"].drop()
    orders.settings["apply"] = {}
    orders.environment = {VARIABLE: "1"}
    orders.start(ledger=False)
    orders.until_caught_up()

    kept = orders.database["orders_history"]
    assert history(orders) == before
    another_time = {"$expr": {"$ne": ["$after.at", "$committed_at"]}}
    assert not kept.count_documents({"after.gone": True, **another_time})
    assert kept.update_many({"after.gone": True}, {"$set": {"after": None}}).modified_count
    assert_kept(orders, recorder)
