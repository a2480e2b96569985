"""Full batches that lanes write side by side: killed anywhere, each transaction is applied once."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from cdc.writers.observer import LaneStep
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

APPLY = {"lanes": 3, "batch_rows": 40, "linger_ms": 2_000}
"""A batch waits for more than a busy machine reads at once, so that it is full."""
LANES = APPLY["lanes"]
ACCOUNTS = 150
TRANSACTIONS = 400


@pytest.fixture
def accounts(stream: Stream) -> Stream:
    """A stream that has begun, and is stopped.

    Of so few accounts any two runs have one in common: runs are cut, with the native module.
    """
    stream.settings["apply"] = dict(APPLY)
    stream.table("accounts", "id INT NOT NULL PRIMARY KEY, amount INT NOT NULL")
    stream.table("moved", "id INT NOT NULL PRIMARY KEY, amount INT NOT NULL")
    stream.start()
    stream.until_caught_up()
    stream.stop()
    return stream


def transactions(chance: random.Random) -> Iterator[tuple[str, ...]]:
    """Yield inserts of accounts, then transfers, changes of keys, deletes, and rows moved over.

    Transfers go to a neighbour: else all accounts would soon depend on each other, in one part.
    """
    alive = [*range(ACCOUNTS)]
    for each in alive:
        yield (f"INSERT INTO accounts VALUES ({each}, 100)",)
    for number in range(TRANSACTIONS - ACCOUNTS):
        one = chance.choice(alive)
        near = [each for each in alive if each // 10 == one // 10 and each != one]
        two = chance.choice(near or [each for each in alive if each != one])
        match chance.choice("ttttkdm"):
            case "t":
                yield (
                    f"UPDATE accounts SET amount = amount - 3 WHERE id = {one}",
                    f"UPDATE accounts SET amount = amount + 3 WHERE id = {two}",
                )
            case "k":
                yield (f"UPDATE accounts SET id = {1_000 + number} WHERE id = {one}",)
                alive[alive.index(one)] = 1_000 + number
            case "d":
                yield (f"DELETE FROM accounts WHERE id = {one}",)
                alive.remove(one)
            case _:
                yield (
                    f"INSERT INTO moved SELECT id, amount FROM accounts WHERE id = {one}",
                    f"DELETE FROM accounts WHERE id = {one}",
                )
                alive.remove(one)


def write(stream: Stream, seed: int) -> None:
    """Commit all the transactions on one connection."""
    statements: list[str] = []
    for each in transactions(random.Random(seed)):
        statements += ["BEGIN", *each, "COMMIT"]
    stream.sql(*statements)


@pytest.mark.parametrize("native", ["0", "1"])
def test_full_batches_are_written_by_lanes(accounts: Stream, native: str) -> None:
    accounts.environment["CDC_NATIVE"] = native
    accounts.sql(*(f"INSERT INTO moved VALUES ({each}, 1)" for each in range(1_000, 1_600)))

    accounts.start()
    accounts.settle()

    state = accounts.state_document()
    assert state is not None
    lanes = [*accounts.state["lanes"].find()]
    assert {each["_id"] for each in lanes} == {*state["lanes"]}
    assert len(lanes) == LANES
    assert all(each["round"] > 0 for each in lanes)


@pytest.mark.parametrize(
    ("point", "count"),
    [
        (LaneStep.IN_PART, 1),
        (LaneStep.IN_PART, LANES),
        (LaneStep.AFTER_PART, 1),
        (LaneStep.AFTER_PART, LANES - 1),
        (LaneStep.AFTER_PART, LANES + 1),
        (LaneStep.BEFORE_CLOSE, 1),
        (LaneStep.BEFORE_CLOSE, 2),
    ],
    ids=str,
)
def test_a_daemon_killed_in_a_round_is_resumed_exactly_there(
    accounts: Stream, point: LaneStep, count: int
) -> None:
    write(accounts, count)

    died = accounts.start(fault=f"{point.value}:{count}")
    assert died.wait() == -9
    assert f"fault: {point.value}" in died.stderr
    died = accounts.start(fault=f"{LaneStep.LANES_CLOSED.value}:1")
    assert died.wait() == -9
    died = accounts.start(fault="after_commit:1")  # some of what was done may be passed then
    assert died.wait() == -9
    accounts.start()
    accounts.settle()


@pytest.mark.parametrize("point", [LaneStep.IN_PART, LaneStep.AFTER_PART], ids=str)
def test_a_daemon_that_stands_still_in_a_round_writes_nothing_behind_another(
    accounts: Stream, point: LaneStep
) -> None:
    accounts.settings["lease"] = {"ttl_seconds": 2}
    write(accounts, 3)
    first = accounts.start(fault=f"{point.value}:{LANES - 1}:SIGSTOP")
    eventually(lambda: f"fault: {point.value}" in first.stderr)

    second = accounts.start()
    accounts.settle()
    first.send(signal.SIGCONT)

    assert str(second.pid) in first.until_logged("fenced")["by"]
    first.until_logged("standby")
    accounts.sql("DELETE FROM accounts WHERE id < 50")
    accounts.settle()


@ONE_KIND
def test_a_row_that_is_refused_in_a_round_is_set_aside_alone(accounts: Stream) -> None:
    accounts.database.drop_collection("accounts")
    accounts.database.create_collection("accounts", validator={"amount": {"$ne": 7}})
    statements = [f"INSERT INTO accounts VALUES ({each}, {100 + each})" for each in range(300)]
    accounts.sql(*statements[:50], "INSERT INTO accounts VALUES (999, 7)", *statements[50:])

    accounts.start()
    accounts.until_caught_up()

    assert accounts.daemon.events("round_failed")
    assert sorted(accounts.ledger()) == sorted(accounts.history.committed())
    assert accounts.documents("accounts").keys() == {*range(300)}
    [letter] = accounts.state["dead_letters"].find()
    assert letter["key"] == 999


@ONE_KIND
def test_a_stream_that_halts_in_a_round_goes_on_exactly_there(stream: Stream) -> None:
    stream.settings["apply"] = dict(APPLY)
    stream.table("items", "id INT NOT NULL PRIMARY KEY, amount INT", {"on_error": "halt"})
    stream.database.create_collection("items", validator={"amount": {"$ne": 7}})
    stream.start()
    stream.until_caught_up()
    stream.stop()
    statements = [f"INSERT INTO items VALUES ({each}, {100 + each})" for each in range(300)]
    stream.sql(*statements[:70], "INSERT INTO items VALUES (999, 7)", *statements[70:])

    halted(stream.start())
    state = stream.state_document()
    assert state is not None
    assert state["done"]
    halted(stream.start())
    stream.database.command("collMod", "items", validator={})
    stream.start()

    stream.settle()


@ONE_KIND
def test_rows_that_depend_on_each_other_by_a_unique_index_stay_in_order(stream: Stream) -> None:
    stream.settings["apply"] = dict(APPLY)
    stream.table("seats", "id INT NOT NULL PRIMARY KEY, person INT")
    stream.database["seats"].create_index("person", unique=True)
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    stream.sql(*(f"INSERT INTO seats VALUES ({each}, {each})" for each in range(40)))
    stream.start()
    stream.until_caught_up()
    stream.stop()
    chance = random.Random(5)
    statements = []
    free = 1_000
    for number in range(200):
        seat = chance.randrange(40)
        statements += [  # the next seat takes the person that this one had
            f"UPDATE seats SET person = {free + number} WHERE id = {seat}",
            f"INSERT INTO seats SELECT {100 + number}, {seat} WHERE NOT EXISTS"
            f" (SELECT 1 FROM seats WHERE person = {seat})",
            f"INSERT INTO items VALUES ({number})",
        ]
    stream.sql(*statements)

    died = stream.start(fault=f"{LaneStep.AFTER_PART.value}:1")
    assert died.wait() == -9
    stream.start()
    stream.settle()
    assert not [*stream.state["dead_letters"].find()]


@ONE_KIND
def test_documents_that_are_there_already_are_replaced_by_lanes(accounts: Stream) -> None:
    write(accounts, 4)
    accounts.database["accounts"].insert_many([{"_id": each} for each in range(ACCOUNTS)])

    accounts.start()
    accounts.settle()

    rounds = [each["round"] for each in accounts.state["lanes"].find()]
    assert max(rounds) > 0


@ONE_KIND
def test_a_daemon_that_is_stopped_leaves_no_lane_that_counts(accounts: Stream) -> None:
    write(accounts, 5)
    accounts.start()
    accounts.until_caught_up()
    accounts.stop()

    state = accounts.state_document()
    assert state is not None
    assert state["lanes"] == []
    assert state["done"] is None


@pytest.fixture
def amid_a_round(accounts: Stream) -> Stream:
    """A stream whose daemon died when one of its lanes had written a part."""
    write(accounts, 6)
    assert accounts.start(fault=f"{LaneStep.AFTER_PART.value}:1").wait() == -9
    return accounts


@ONE_KIND
def test_a_stream_that_is_removed_leaves_no_lanes(amid_a_round: Stream) -> None:
    removed = cdc(amid_a_round, "stream", "remove", amid_a_round.name, "--yes", "--documents")

    assert removed.returncode == 0, removed.stderr
    assert [*amid_a_round.state["lanes"].find()] == []
    amid_a_round.settings["start"] = "backfill"
    amid_a_round.start()
    eventually(partial(_is_equal, amid_a_round, "accounts"))


@ONE_KIND
def test_a_position_that_is_set_forgets_what_is_done(amid_a_round: Stream) -> None:
    moved = cdc(amid_a_round, "position", "set", "--start", "now", "--resync", "--yes")

    assert moved.returncode == 0, moved.stderr
    state = amid_a_round.state_document()
    assert state is not None
    assert not state.get("done")
    assert state["lanes"] == []
    amid_a_round.start()
    for each in amid_a_round.tables:
        eventually(partial(_is_equal, amid_a_round, each))


def _is_equal(stream: Stream, table: str) -> bool:
    return stream.documents(table) == stream.rows(table)


@ONE_KIND
def test_a_verification_waits_until_what_is_done_is_passed(amid_a_round: Stream) -> None:
    verified = cdc(amid_a_round, "verify", ledger=True)  # it works without a daemon

    assert verified.returncode == 0, verified.stdout
    amid_a_round.assert_equal()
