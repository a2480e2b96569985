"""A target without transactions: at least once, by the operator's choice only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from cdc.writers.observer import WriteStep
from cdc_sandbox.servers import MongoServer, MySQLServer, mongo_server
from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.halting import goes_on, halted
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.nursery import FAULTY, nursery
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.faults import FAULT
from tests.support.waiting import eventually

UNFIT = 3


@pytest.fixture(scope="module")
def standalone() -> Iterator[MongoServer]:
    with mongo_server(replica_set=False) as server:
        yield server


@pytest.fixture(scope="module")
def standalone_client(standalone: MongoServer) -> Iterator[MongoClient[Document]]:
    with standalone.client() as client:
        yield client


@pytest.fixture
def items(
    mysql: MySQLServer,
    standalone: MongoServer,
    standalone_client: MongoClient[Document],
    make_stream: MakeStream,
) -> Stream:
    stream = make_stream(mysql, standalone, standalone_client, MysqlGtids)
    stream.settings["apply"] = {"mode": "at_least_once", "batch_rows": 1}
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    return stream


def test_exactly_once_is_refused(items: Stream) -> None:
    items.settings["apply"]["mode"] = "exactly_once"

    daemon = items.start(ledger=False)

    assert daemon.wait() == UNFIT
    assert "at_least_once" in daemon.stderr


def test_workers_make_no_first_copy_and_it_is_said(items: Stream) -> None:
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.settings["start"] = "backfill"
    items.settings["chunks"] = {"workers": 2}

    items.start(ledger=False)
    eventually(lambda: items.documents("items") == {1: {"word": "one"}})
    refused = cdc(items, "work")

    [told] = items.daemon.events("copied_by_the_stream")
    assert told["why"] == "apply.mode is at_least_once"
    assert refused.returncode == 2
    assert "apply.mode: at_least_once" in refused.stderr


@pytest.mark.parametrize(
    "point",
    [WriteStep.BEFORE_TRANSACTION, WriteStep.BEFORE_COMMIT, WriteStep.AFTER_COMMIT],
    ids=lambda point: point.value,
)
def test_a_daemon_killed_in_a_batch_converges(items: Stream, point: WriteStep) -> None:
    items.sql(
        "INSERT INTO items VALUES (1, 'one'), (2, 'two')",
        "UPDATE items SET id = id + 10",
        "INSERT INTO items VALUES (1, 'again')",
        "DELETE FROM items WHERE id = 11",
    )
    for batch in (1, 2):
        assert items.start(fault=f"{point.value}:{batch}", ledger=False).wait() == -9

    items.start(ledger=False)

    items.until_caught_up()
    items.assert_same_content()


def test_two_rows_swap_a_unique_value_though_the_batch_is_repeated(items: Stream) -> None:
    items.settings["apply"] = {"mode": "at_least_once"}
    items.database["items"].create_index("word", unique=True)
    items.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    items.start(ledger=False)
    items.until_caught_up()
    items.stop()
    items.transaction(
        "UPDATE items SET word = 'swapping' WHERE id = 1",
        "UPDATE items SET word = 'one' WHERE id = 2",
        "UPDATE items SET word = 'two' WHERE id = 1",
    )

    assert items.start(fault="before_commit:1", ledger=False).wait() == -9
    items.start(ledger=False)

    items.until_caught_up()
    items.assert_same_content()


@pytest.mark.parametrize(
    "point", [WriteStep.AFTER_PIECE, WriteStep.BEFORE_COMMIT], ids=lambda point: point.value
)
def test_a_daemon_killed_while_it_clears_converges(items: Stream, point: WriteStep) -> None:
    items.sql("INSERT INTO items VALUES (1, 'old'), (2, 'old')")
    items.start(ledger=False)
    items.until_caught_up()
    items.stop()
    items.sql("TRUNCATE TABLE items", "INSERT INTO items VALUES (2, 'new')")

    died = items.start(fault=point.value, ledger=False)
    assert died.wait() == -9
    items.start(ledger=False)
    items.until_caught_up()

    items.assert_same_content()


def test_a_row_that_is_refused_is_set_aside_once_though_its_batch_is_repeated(
    items: Stream,
) -> None:
    items.database.create_collection("items", validator={"word": {"$ne": "bad"}})
    items.transaction("INSERT INTO items VALUES (1, 'one'), (2, 'bad'), (3, 'three')")
    letters = items.state["dead_letters"]

    assert items.start(fault="before_commit", ledger=False).wait() == -9
    assert letters.count_documents({}) == 1
    items.start(ledger=False)
    items.until_caught_up()

    [letter] = letters.find()
    assert (letter["key"], letter["count"], letter["state"]) == (2, 1, "open")
    assert items.documents("items").keys() == {1, 3}
    items.sql("DELETE FROM items WHERE id = 2")
    items.until_caught_up()
    assert letters.count_documents({"state": "resolved"}) == 1


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_step_over_a_transaction_asks_for_the_resync_first(items: Stream, point: str) -> None:
    items.start(ledger=False)
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()
    items.sql("SET SESSION binlog_row_image = MINIMAL", "UPDATE items SET word = 'partial'")
    halted(items.daemon)
    before = items.state_document()
    assert before is not None

    died = nursery().start(
        ["position", "skip", "--config", str(items.config)],
        log=items.config.with_name("skip.log"),
        environment={FAULT: point},
        program=FAULTY,
    )

    assert died.wait(60) == -9
    after = items.state_document()
    assert after is not None
    assert (after["position"] != before["position"]) == (point == "after_commit")
    assert items.state["jobs"].count_documents({"kind": "resync"}) == 1
    if point == "before_commit":
        assert Command(items, "position", "skip", "--yes").returncode == 0
    assert items.state["jobs"].count_documents({"kind": "resync"}) == 1
    goes_on(items)
