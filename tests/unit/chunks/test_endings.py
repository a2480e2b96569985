"""How a job's thread ends when the stream does."""

from __future__ import annotations

import pytest

from cdc.chunks.applier import PendingChunk
from cdc.errors import Fenced, Retryable, WriteRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.job import JobKind
from cdc.retry import Stopped
from tests.support.waiting import eventually
from tests.unit.chunks.support.world import world_of


class Refusing:
    """A target that takes no document."""

    def apply(self, batch: Batch) -> None:
        if any(operations for _, operations in batch.changes()):
            raise WriteRefused("a document is not as the validator wants it")

    def settle(self) -> None:
        """Nothing was applied."""


class TakenOver:
    """A target that belongs to another daemon."""

    def apply(self, _: Batch) -> None:
        raise Fenced("another daemon")

    def settle(self) -> None:
        raise Fenced("another daemon")


def test_a_job_whose_piece_ends_the_stream_does_not_wait_for_it_for_ever() -> None:
    world = world_of(1, 2)
    running = world.work(JobKind.BACKFILL)

    def fenced() -> bool:
        try:
            world.applier.apply_due(TakenOver())
        except Fenced:
            return True
        return False

    eventually(fenced)
    world.applier.stop()

    with pytest.raises(Stopped):
        eventually(lambda: running.done)


def test_a_job_has_come_no_further_than_what_was_applied() -> None:
    world = world_of(*range(9))
    running = world.work(JobKind.BACKFILL)

    def refused() -> bool:
        world.applier.apply_due(Refusing())
        try:
            return running.done
        except WriteRefused:
            return True

    eventually(refused)

    progress = running.scan.progress
    assert (progress.rows, progress.written, progress.cursor) == (0, 0, None)


def test_a_majority_must_have_a_chunk_unless_another_one_is_behind_it() -> None:
    world = world_of()
    at_majority = []
    nothing = MappedTransaction("", world.windows.applied_checkpoint, None)
    for _ in range(2):
        chunk = PendingChunk(lambda: nothing, lambda: at_majority.append(world.target.at_majority))
        world.applier.submit(chunk)

    world.settle()

    assert at_majority == [False, True]


def test_a_majority_has_what_was_applied_before_a_chunk_that_is_given_up() -> None:
    world = world_of()
    nothing = MappedTransaction("", world.windows.applied_checkpoint, None)
    window = world.windows.open()
    assert window is not None
    given_up = PendingChunk(lambda: nothing, window=window)
    for chunk in (PendingChunk(lambda: nothing), given_up):
        world.applier.submit(chunk)
    window.void = True

    world.settle()

    assert world.target.at_majority
    assert given_up.outcome.result() is False


def test_a_chunk_that_meets_an_unreachable_target_is_left_behind_what_a_majority_has() -> None:
    world = world_of()
    nothing = MappedTransaction("", world.windows.applied_checkpoint, None)

    def unreachable() -> MappedTransaction:
        raise Retryable("the target cannot be reached")

    left = PendingChunk(unreachable)
    for chunk in (PendingChunk(lambda: nothing), left):
        world.applier.submit(chunk)

    world.settle()

    assert world.target.at_majority
    assert isinstance(left.outcome.exception(), Retryable)
