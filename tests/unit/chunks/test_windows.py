"""What happens at one chosen moment of a chunk's window, and what must come of it."""

from __future__ import annotations

import time

from cdc.chunks.applier import PendingChunk
from cdc.chunks.windows import Windows
from cdc.errors import Defect
from cdc.model.batch import MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.job import JobKind
from cdc.model.position import FilePosition
from tests.unit.chunks.support.world import document, end, once, world_of


def test_a_row_that_is_deleted_behind_its_select_stays_deleted() -> None:
    world = world_of(1, 2)

    def delete() -> None:
        world.source.remove(1)
        world.deliver()

    end(world, world.work(JobKind.BACKFILL, behind=once(delete)))

    assert world.target.documents == world.expected()


def test_a_row_that_changes_behind_its_select_keeps_the_change() -> None:
    world = world_of(1, 2)

    def change() -> None:
        world.source.put(1, 2)
        world.deliver()

    end(world, world.work(JobKind.BACKFILL, behind=once(change)))

    assert world.target.documents == world.expected()


def test_a_row_that_comes_behind_the_look_for_it_is_not_taken_away_by_a_resync() -> None:
    world = world_of(1)
    world.target.documents = {5: document(5, 0)}
    looks = iter(["at the rows", "for the documents' rows"])

    def insert() -> None:
        if next(looks) == "for the documents' rows":
            world.source.put(5, 3)
            world.deliver()

    end(world, world.work(JobKind.RESYNC, behind=insert))

    assert world.target.documents == world.expected()


def test_a_chunk_waits_until_the_stream_has_passed_what_it_saw() -> None:
    world = world_of()
    for value in (1, 2):
        world.source.put(7, value)
    running = world.work(JobKind.BACKFILL)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        world.settle()
        assert world.target.documents == {}  # else the stream would take it back to its first value
        assert not running.done

    world.deliver()
    world.deliver()
    end(world, running)

    assert world.target.documents == {7: document(7, 2)}


def test_a_chunk_is_read_again_when_the_table_is_altered_meanwhile() -> None:
    world = world_of(1)

    def alter() -> None:
        world.source.rows[1] = 5  # as ADD COLUMN … DEFAULT does: without a row's event
        world.source.log.append([])
        world.deliver(changes_schema=True)

    end(world, world.work(JobKind.BACKFILL, behind=once(alter)))

    assert world.target.documents == world.expected()


def test_a_chunk_is_read_again_when_the_stream_moves_to_another_server_meanwhile() -> None:
    """The server that was read has what no other has, under a number that others have too."""
    world = world_of(1)
    replicated = world.source.rows[1]
    world.source.rows[1] = replicated + 1

    def move() -> None:
        world.source.rows[1] = replicated
        world.windows.void_all()

    end(world, world.work(JobKind.BACKFILL, behind=once(move)))

    assert world.target.documents == {1: document(1, replicated)}


def test_a_chunk_that_meets_a_defect_fails_alone() -> None:
    world = world_of(1)

    def broken() -> MappedTransaction | None:
        raise KeyError("a value of a row")

    nothing = MappedTransaction("", world.windows.applied_checkpoint, None)
    failed, fine = PendingChunk(broken), PendingChunk(lambda: nothing)
    for chunk in (failed, fine):
        world.applier.submit(chunk)
    world.applier.apply_due(world.target)

    error = failed.outcome.exception()
    assert isinstance(error, Defect)
    assert "KeyError at test_windows.py:" in error.message
    assert "a value of a row" not in str(error)
    assert fine.outcome.result()


def test_no_window_opens_while_documents_are_ahead_of_the_position() -> None:
    may_open = iter([False, True])
    windows = Windows(Checkpoint(FilePosition("log.1", 4)), lambda: next(may_open))

    assert windows.open() is None
    assert windows.open() is not None
