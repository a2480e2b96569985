"""Tails and ranges of a held stream: docs/architecture.md, "First copies by several workers"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import Fenced, LeaseHeld, StateMissing, UsageError
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import AHEAD, HeldCopy, Tail, ahead_of
from cdc.model.lease import this_process
from cdc.model.position import FilePosition
from cdc.writers.claims import Claims
from cdc.writers.concerns import MAJORITY
from cdc.writers.ranges import Cut, Ranges, begun, failure, progress, set_aside, tails
from cdc.writers.stream_removal import StreamRemoval
from cdc.writers.stream_state import StreamState
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.finishing import finishing
from tests.integration.writers.support.writers import START, writer_of

Client = MongoClient[dict[str, Any]]
SEEN = FilePosition("binlog.000001", 200)
LATER = FilePosition("binlog.000001", 300)
HELD = HeldCopy("abc", START.position, "", SEEN, (("shop.a", "a"), ("shop.b c", "b")), "docs")
MANY = tuple((f"shop.t{number}", f"t{number}") for number in range(2_000))
FIRST = Cut("id", (10,), is_end=False, total=30)


@pytest.fixture
def ranges(client: Client, database: str, state_database: str) -> Iterator[Ranges]:
    """Those of a new stream that is held."""
    found = Ranges(client, state_database=state_database, stream="test")
    found.prepare()
    writer = writer_of(client, database, state_database)
    writer.create(START, [], (), ("shop.a a",), tails("test", HELD), HELD)
    yield found
    writer.close()


def tail_of(ranges: Ranges, table: str) -> Tail:
    return next(each for each in ranges.tails() if each.table == table)


def whole(ranges: Ranges, table: str) -> None:
    """Cut a table into one range."""
    assert ranges.cut(tail_of(ranges, table), HELD, Cut("id", (9,), is_end=True, total=9))


def worker(client: Client, database: str, state_database: str, range_id: str) -> MongoWriter:
    states = client.get_database(state_database, write_concern=MAJORITY)
    state = StreamState(states, "test", owner=this_process(), range_id=range_id)
    return writer_of(client, database, state_database, range_state=state)


def finish(client: Client, database: str, state_database: str, ranges: Ranges) -> None:
    """Work on every range that is free, to its end."""
    for each in ranges.free():
        writer = worker(client, database, state_database, each.id)
        writer.take_over()
        writer.apply(chunk(replace(each, rows=9, seen=LATER), is_last=True))
        writer.close()


def chunk(range_: Any, *, is_last: bool = False) -> Batch:
    write = progress(range_, is_last=is_last)
    return Batch((MappedTransaction("", Checkpoint(range_.seen), None, writes=(write,)),))


def test_of_two_that_cut_at_one_place_one_succeeds(ranges: Ranges) -> None:
    tail = tail_of(ranges, "shop.a")

    assert ranges.cut(tail, HELD, FIRST)
    assert not ranges.cut(tail, HELD, Cut("id", (20,), is_end=False, total=30))

    [found] = ranges.free()
    assert (found.after, found.last, found.seen) == (None, (10,), SEEN)
    assert ranges.cut(tail_of(ranges, "shop.a"), HELD, Cut("id", (20,), is_end=True, total=30))
    assert {(each.after, each.last) for each in ranges.free()} == {(None, (10,)), ((10,), (20,))}
    assert [each.table for each in ranges.tails()] == ["shop.b c"]


def test_a_table_without_rows_has_no_range_and_is_whole(ranges: Ranges) -> None:
    assert ranges.cut(tail_of(ranges, "shop.a"), HELD, Cut("id", None, is_end=True, total=0))

    assert ranges.free() == []
    assert ranges.progress(HELD).tables == {"shop.a"}


def test_all_is_copied_once_every_range_that_was_cut_is_done(
    client: Client, database: str, state_database: str, ranges: Ranges
) -> None:
    for table in HELD.tables:
        whole(ranges, table)
        assert not ranges.progress(HELD).is_done
    finish(client, database, state_database, ranges)

    found = ranges.progress(HELD)
    assert found.is_done
    assert found.rows == 18
    assert ranges.seen() == (LATER,)
    client[state_database]["ranges"].delete_one({"_id": "abc shop.a/0"})
    found = ranges.progress(HELD)
    assert found.tables == {"shop.b c"}
    assert found.lost == {"shop.a"}  # a range that was cut is missing


def test_what_becomes_done_while_it_is_read_is_not_missed(
    client: Client, state_database: str
) -> None:
    held = replace(HELD, copies=MANY)
    ranges = Ranges(client, state_database=state_database, stream="test")
    ranges.prepare()
    lost: set[str] = set()

    with finishing(client[state_database]["ranges"], held.tables) as finished:
        while not finished.done():
            lost |= ranges.progress(held).lost

    assert lost == set()
    assert ranges.progress(held).is_done


def test_what_becomes_done_while_it_is_removed_is_removed(
    client: Client, state_database: str
) -> None:
    ranges = Ranges(client, state_database=state_database, stream="test")
    ranges.prepare()
    documents = client[state_database]["ranges"]

    with finishing(documents, [each for each, _ in MANY]):
        ranges.remove()

    assert documents.count_documents({}) == 0


def test_tables_of_a_copy_that_left_something_behind_are_not_done(
    client: Client, state_database: str, ranges: Ranges
) -> None:
    whole(ranges, "shop.a")
    left = {"_id": "older shop.a", "cuts": 0, "state": "done", "total": 0, "is_tail": True}
    client[state_database]["ranges"].insert_one({**left, "stream": "test", "table": "shop.a"})

    assert ranges.progress(HELD).tables == set()


def test_a_range_is_one_worker_s_until_its_lease_ends(
    client: Client, database: str, state_database: str, ranges: Ranges
) -> None:
    whole(ranges, "shop.a")
    [free] = ranges.free()
    first = worker(client, database, state_database, free.id)
    first.take_over()

    assert ranges.free() == []
    second = worker(client, database, state_database, free.id)
    with pytest.raises(LeaseHeld):
        second.take_over()
    first.apply(chunk(replace(free, after=(4,), rows=4, seen=LATER)))
    [working] = ranges.progress(HELD).by_worker.values()
    assert working.rows == 4
    first.state.release()
    assert ranges.progress(HELD).by_worker == {}  # it may have ended

    [again] = ranges.free()
    assert (again.after, again.rows, again.seen) == ((4,), 4, LATER)
    assert second.take_over() == Checkpoint(LATER)
    with pytest.raises(Fenced):
        first.apply(chunk(replace(free, after=(5,), rows=5)))
    second.apply(chunk(replace(again, rows=9), is_last=True))
    assert ranges.open_range(free.id) is None
    for each in (first, second):
        each.close()


def test_who_works_for_ranges_that_were_removed_writes_nothing(
    client: Client, database: str, state_database: str, ranges: Ranges
) -> None:
    whole(ranges, "shop.a")
    [free], tail = ranges.free(), tail_of(ranges, "shop.b c")
    writer = worker(client, database, state_database, free.id)
    writer.take_over()

    ranges.remove()

    with pytest.raises(StateMissing):
        writer.apply(chunk(free))
    assert not ranges.cut(tail, HELD, FIRST)
    assert client[state_database]["ranges"].count_documents({}) == 0
    writer.close()


def test_a_table_is_set_aside_without_another_whose_name_begins_so(
    client: Client, database: str, state_database: str, ranges: Ranges
) -> None:
    for table in HELD.tables:
        whole(ranges, table)
    [failing] = [each for each in ranges.free() if each.table == "shop.b c"]
    writer = worker(client, database, state_database, failing.id)
    writer.take_over()
    write = failure(failing, "its key is gone", halts=False)
    writer.apply(Batch((MappedTransaction("", Checkpoint(SEEN), None, writes=(write,)),)))
    assert ranges.progress(HELD).failed == (("shop.b c", "its key is gone", False),)
    daemon = writer_of(client, database, state_database)
    daemon.take_over()

    daemon.write(set_aside("test", HELD, "shop.b c"))
    ranges.remove(but=["shop.a"])

    state = ranges.stream_state()
    assert state is not None
    assert HeldCopy.of(state) == HELD.without("shop.b c")
    assert [each.table for each in ranges.free()] == ["shop.a"]
    assert state["position"] is None
    for each in (writer, daemon):
        each.close()


def test_a_stream_that_begins_has_its_position_and_what_the_copy_saw(
    client: Client, database: str, state_database: str, ranges: Ranges
) -> None:
    daemon = writer_of(client, database, state_database)
    assert daemon.take_over() == START
    assert daemon.state.held_copy == HELD
    write = begun("test", HELD, [LATER])

    daemon.apply(Batch((MappedTransaction("", START, None, writes=(write,)),)))

    assert daemon.take_over() == START
    assert daemon.state.held_copy is None
    assert daemon.state.ahead == (LATER,)
    state = ranges.stream_state()
    assert state is not None
    assert ahead_of(state) == (LATER,)
    assert state[AHEAD] == [{"file": "binlog.000001", "offset": 300, "created": 0}]
    assert state["covered"] == ["shop.a a", "shop.b c b"]
    assert state["left"] == []
    daemon.close()


def test_claims_of_a_held_stream_are_not_released(
    client: Client, state_database: str, ranges: Ranges
) -> None:
    claims = Claims(client, state_database=state_database)
    client[state_database]["claims"].insert_one(
        {"_id": "docs.a", "stream": "test", "since": datetime.now(UTC)}
    )

    with pytest.raises(UsageError, match="has not begun"):
        claims.release("docs.a")

    assert ranges.free() == []
    assert [each.stream for each in claims.all()] == ["test"]


def test_a_stream_whose_removal_was_interrupted_is_held_no_longer(
    client: Client, state_database: str, ranges: Ranges
) -> None:
    removal = StreamRemoval(client, state_database=state_database, stream="test")
    assert removal.belongings().copies == ("shop.a a", "shop.b c b")
    with client.start_session() as session:
        removal._fence(session).write(removal._state.uncover)

    state = ranges.stream_state()
    assert state is not None
    assert HeldCopy.of(state) is None
    assert Checkpoint.from_document(state).position == START.position
    assert state["covered"] == []


def test_a_tail_that_failed_is_told_and_opened_again(ranges: Ranges) -> None:
    tail = tail_of(ranges, "shop.a")
    stale = tail_of(ranges, "shop.b c")
    whole(ranges, "shop.b c")

    assert ranges.fail(tail, HELD, "the table is gone")
    assert not ranges.fail(stale, HELD, "it was cut meanwhile")

    assert ranges.progress(HELD).failed == (("shop.a", "the table is gone", False),)
    assert ranges.tails() == []
    ranges.reopen_failed()
    assert ranges.tails() == [tail]
