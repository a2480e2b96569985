"""A mapping with a shard key, on a replica set: filters carry more, and documents move.

There `_id` is unique, so a document that was left at its old place would refuse the new one, and
the daemon would tell that it removed it: these tests want no word of that.
"""

from __future__ import annotations

import random
import threading
from contextlib import AbstractContextManager

import pymysql
import pytest

from cdc.writers.observer import WriteStep
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually
from tests.support.working import working

COLUMNS = "id INT NOT NULL PRIMARY KEY, tenant INT NOT NULL, note VARCHAR(20)"
KEY = {"shard_key": {"tenant": 1, "_id": 1}}

BOTH = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)

IN_A_BATCH = [
    WriteStep.BEFORE_TRANSACTION,
    WriteStep.AFTER_FIRST_WRITE,
    WriteStep.BEFORE_COMMIT,
    WriteStep.AFTER_COMMIT,
]


def elsewhere(stream: Stream) -> list[object]:
    """What daemons had to remove from other places."""
    return [each for daemon in stream.daemons for each in daemon.events("documents_elsewhere")]


def test_documents_move_with_their_rows(stream: Stream) -> None:
    # One that a transaction creates is seen a moment later than what else it has written.
    stream.database.create_collection("orders")
    stream.table("orders", COLUMNS, KEY | {"on_truncate": "apply"})
    stream.start()
    stream.sql("INSERT INTO orders VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 2, 'd')")
    stream.transaction(
        "UPDATE orders SET tenant = tenant + 1",
        "UPDATE orders SET note = 'in place' WHERE id = 2",
        "UPDATE orders SET id = 5, tenant = 9 WHERE id = 3",
        "DELETE FROM orders WHERE id = 4",
        "INSERT INTO orders VALUES (4, 7, 'again')",
    )
    stream.sql(
        "UPDATE orders SET tenant = 8 WHERE id = 1", "REPLACE INTO orders VALUES (2, 6, 'r')"
    )
    stream.settle()

    stream.sql("TRUNCATE TABLE orders", "INSERT INTO orders VALUES (1, 5, 'new'), (2, 5, 'new')")
    stream.until_caught_up()

    stream.assert_same_content()
    assert elsewhere(stream) == []
    stream.stop()


@BOTH
@pytest.mark.parametrize("point", IN_A_BATCH, ids=lambda point: point.value)
def test_a_daemon_killed_while_a_document_moves_moves_it_once(
    stream: Stream, point: WriteStep
) -> None:
    stream.settings["apply"] = {"batch_rows": 1}
    stream.table("orders", COLUMNS, KEY)
    stream.sql("INSERT INTO orders VALUES (1, 1, 'a'), (2, 2, 'b')")
    stream.sql(*(f"UPDATE orders SET tenant = tenant + {n}" for n in (1, 2, 3)))

    for batch in (1, 2):
        died = stream.start(fault=f"{point.value}:{batch}")
        assert died.wait() == -9
        assert f"fault: {point.value}" in died.stderr
    stream.start()
    stream.settle()

    assert elsewhere(stream) == []


def moving(stream: Stream, seed: int) -> AbstractContextManager[None]:
    """Rows are inserted, moved and deleted at random meanwhile."""

    def move(ended: threading.Event) -> None:
        chance = random.Random(seed)
        with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
            while not ended.is_set():
                key, tenant = chance.randrange(400), chance.randrange(5)
                statement = chance.choice(
                    [
                        f"UPDATE orders SET tenant = {tenant} WHERE id BETWEEN {key} AND {key + 3}",
                        f"UPDATE orders SET id = id + 1000, tenant = {tenant} WHERE id = {key}",
                        f"REPLACE INTO orders VALUES ({key}, {tenant}, 'replaced')",
                        f"DELETE FROM orders WHERE id = {key}",
                    ]
                )
                try:
                    cursor.execute(statement)
                except pymysql.err.IntegrityError:
                    continue  # the key is taken
                ended.wait(0.002)

    return working(move)


def fill(stream: Stream) -> None:
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 20, "allow_brief_lock": True}
    stream.table("orders", COLUMNS, KEY)
    rows = ",".join(f"({n}, {n % 5}, 'row {n}')" for n in range(400))
    stream.sql(f"INSERT INTO orders VALUES {rows}")


@BOTH
def test_a_copy_and_a_verification_beside_moving_rows_find_each_once(
    stream: Stream, seed: int
) -> None:
    fill(stream)
    with moving(stream, seed):
        stream.start(ledger=False)
        until_copied(stream)
        verified = cdc(stream, "verify", f"{stream.schema}.orders")
    stream.until_caught_up()

    assert verified.returncode == 0, verified.stdout
    stream.assert_same_content()
    assert elsewhere(stream) == []
    stream.stop()


def copied_and_then_changed_without_an_event(stream: Stream) -> None:
    fill(stream)
    stream.start(ledger=False)
    until_copied(stream)
    stream.sql("SET SESSION sql_log_bin = 0", "UPDATE orders SET tenant = tenant + 1 WHERE id < 50")


@BOTH
def test_rows_that_changed_without_an_event_are_put_right(stream: Stream) -> None:
    copied_and_then_changed_without_an_event(stream)

    # The stream meets one of them itself …
    stream.sql("UPDATE orders SET note = 'touched' WHERE id = 7")
    stream.until_caught_up()
    assert stream.documents("orders")[7] == {"tenant": 3, "note": "touched"}
    assert len(elsewhere(stream)) == 1

    # … verify tells the others, and a resync puts them right.
    found = cdc(stream, "verify", f"{stream.schema}.orders")
    assert found.returncode == 1
    assert "another document of the same `_id`" in found.stdout
    resynced = cdc(stream, "resync", f"{stream.schema}.orders")
    assert resynced.returncode == 0, resynced.stderr
    stream.until_caught_up()
    stream.assert_same_content()
    assert cdc(stream, "verify", f"{stream.schema}.orders").returncode == 0
    stream.stop()


@BOTH
def test_verify_repairs_them_too(stream: Stream) -> None:
    copied_and_then_changed_without_an_event(stream)

    repaired = cdc(stream, "verify", f"{stream.schema}.orders", "--repair")

    assert "repaired" in repaired.stdout, (repaired.stdout, repaired.stderr)
    stream.until_caught_up()
    stream.assert_same_content()
    assert elsewhere(stream) == []
    stream.stop()


@BOTH
def test_a_row_that_the_target_refuses_at_its_new_place_is_left_at_none(stream: Stream) -> None:
    stream.table("orders", COLUMNS, KEY)
    stream.database.create_collection("orders", validator={"tenant": {"$ne": 13}})
    stream.start()
    stream.sql("INSERT INTO orders VALUES (1, 1, 'a'), (2, 2, 'b')")
    stream.sql("UPDATE orders SET tenant = 13 WHERE id = 1")
    stream.until_caught_up()
    assert stream.documents("orders") == {2: {"tenant": 2, "note": "b"}}
    assert stream.state["dead_letters"].count_documents({"state": "open"}) == 1

    stream.sql("UPDATE orders SET tenant = 5 WHERE id = 1")

    stream.settle()
    eventually(lambda: stream.state["dead_letters"].count_documents({"state": "open"}) == 0)
    assert elsewhere(stream) == []
    stream.stop()
