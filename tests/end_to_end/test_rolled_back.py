"""The target loses the end of what was applied: the daemon takes over and applies it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pymongo.read_concern import ReadConcern

from cdc_sandbox.servers import MySQLServer, mongo_server
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream
from tests.support.three_members import ThreeMembers
from tests.support.waiting import eventually

ROWS = 4_000
RARELY_JOURNALED = ["--journalCommitInterval=500"]
"""So that a killed mongod does lose what came last."""


@pytest.fixture
def stream(mysql: MySQLServer, make_stream: MakeStream) -> Iterator[Stream]:
    """A stream with a target of its own, whose batches are full while it catches up."""
    with mongo_server(options=RARELY_JOURNALED) as mongo, mongo.client() as client:
        stream = make_stream(mysql, mongo, client, MysqlGtids)
        stream.settings["apply"] = {"batch_rows": 20}
        stream.table("items", "id INT NOT NULL PRIMARY KEY, version INT NOT NULL")
        yield stream
        stream.close()


def test_every_transaction_is_applied_once_whatever_a_killed_target_has_lost(
    stream: Stream,
) -> None:
    stream.sql(*[f"INSERT INTO items VALUES ({each}, 0)" for each in range(ROWS)])
    stream.sql("UPDATE items SET version = version + 1 WHERE id % 3 = 0")
    stream.start()

    for part in (1, 2, 3):
        eventually(_has(stream, part * ROWS // 5), waiting_for="a part of the rows")
        stream.mongo.kill()
        stream.mongo.start()

    stream.settle()
    assert len(stream.daemons) == 1


def test_an_end_that_was_lost_is_applied_again(
    stream: Stream,
) -> None:
    stream.start()
    stream.sql("INSERT INTO items VALUES (1, 0)")
    stream.until_caught_up()
    before, ledger = stream.state_document(), stream.ledger()
    assert before is not None
    stream.sql(*[f"INSERT INTO items VALUES ({each}, 0)" for each in range(2, 200)])
    stream.until_caught_up()

    kept = ("sequence", "position", "inflight", "server", "witness", "committed_at")
    stream.state["streams"].update_one(
        {"_id": stream.name}, {"$set": {name: before[name] for name in kept}}
    )
    stream.state["ledger"].delete_many({"_id": {"$nin": ledger}})
    stream.database["items"].delete_many({"_id": {"$gt": 1}})
    stream.sql("INSERT INTO items VALUES (1000, 0)")

    stream.settle()
    assert stream.daemon.events("rolled_back")


def test_a_copy_is_whole_whatever_a_killed_target_has_lost(stream: Stream) -> None:
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 20}
    rows = ", ".join(f"({each}, 0)" for each in range(ROWS))
    stream.sql(f"INSERT INTO items VALUES {rows}")
    stream.start(ledger=False)

    for part in (1, 2, 3):
        eventually(_has(stream, part * ROWS // 5), waiting_for="a part of the rows")
        stream.mongo.kill()
        stream.sql(f"UPDATE items SET version = {part} WHERE id % 100 = {part}")
        stream.mongo.start()

    eventually(lambda: _done(stream), waiting_for="the end of the copy")
    stream.until_caught_up()
    stream.assert_same_content()
    [job] = stream.state["jobs"].find({"kind": "backfill"})
    assert job["progress"]["rows"] == ROWS


def test_an_end_that_a_failover_takes_is_applied_again(
    members: ThreeMembers, of_three: Stream
) -> None:
    """About 30 seconds. The ledger tells that nothing is lost and nothing applied twice."""
    stream = of_three
    stream.settings["apply"] = {"batch_rows": 20, "linger_ms": 2_000}  # so that batches are full
    stream.start()
    stream.sql("INSERT INTO items VALUES (1, 0)")
    stream.until_caught_up()
    before = _sequence(stream, "local")
    eventually(lambda: _sequence(stream, "majority") == before, waiting_for="a majority")

    with members.lagging():
        stream.sql(*[f"INSERT INTO items VALUES ({each}, 0)" for each in range(2, 200)])
        eventually(lambda: _has_applied(stream, 20), waiting_for="a batch on the primary alone")
        assert _sequence(stream, "local") > before == _sequence(stream, "majority")
        stream.daemon.until_logged("target_retry")  # so long it has been in the journal
        killed = members.kill_primary()

    stream.daemon.until_logged("rolled_back")
    members.revive(killed)
    eventually(lambda: killed.has_rolled_back, waiting_for="the rollback")
    stream.settle()
    assert len(stream.daemons) == 1


def _has_applied(stream: Stream, operations: int) -> bool:
    applied = stream.daemon.events("batch_applied")
    return any(each["operations"] == operations for each in applied)


def _sequence(stream: Stream, level: str) -> int:
    streams = stream.state.get_collection("streams", read_concern=ReadConcern(level))
    state = streams.find_one({"_id": stream.name})
    assert state is not None
    return int(state["sequence"])


def _done(stream: Stream) -> bool:
    return bool(stream.state["jobs"].count_documents({"kind": "backfill", "state": "done"}))


def _has(stream: Stream, rows: int) -> Callable[[], bool]:
    return lambda: stream.database["items"].estimated_document_count() >= rows
