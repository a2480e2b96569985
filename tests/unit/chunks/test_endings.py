"""How a job's thread ends when the stream does."""

from __future__ import annotations

import pytest

from cdc.errors import Fenced, WriteRefused
from cdc.model.batch import Batch
from cdc.model.job import JobKind
from cdc.retry import Stopped
from tests.support.waiting import eventually
from tests.unit.chunks.support.world import world_of


class Refusing:
    """A target that takes no document."""

    def apply(self, batch: Batch) -> None:
        if any(operations for _, operations in batch.changes()):
            raise WriteRefused("a document is not as the validator wants it")


class TakenOver:
    """A target that belongs to another daemon."""

    def apply(self, _: Batch) -> None:
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
