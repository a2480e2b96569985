from __future__ import annotations

import pytest

from cdc.chunks.windows import Window
from cdc.model.job import JobKind, Options
from cdc.model.operation import Operation
from tests.unit.chunks.support.turns import SEEDS, filled, finish
from tests.unit.chunks.support.world import document


@pytest.mark.parametrize("seed", SEEDS)
def test_a_backfill_beside_the_stream_ends_with_both_sides_equal(seed: int) -> None:
    world = filled(seed)

    finish(world, world.work(JobKind.BACKFILL))

    assert world.target.documents == world.expected()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resync_removes_what_is_gone_and_mends_what_is_wrong(seed: int) -> None:
    world = filled(seed)
    world.target.documents = {key: document(key, -1) for key in range(0, 60, 3)}

    finish(world, world.work(JobKind.RESYNC))

    assert world.target.documents == world.expected()


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_finds_nothing_while_two_equal_sides_move(seed: int) -> None:
    world = filled(seed)
    world.target.documents = world.expected()
    running = world.work(JobKind.VERIFY)

    finish(world, running)

    assert running.scan.progress.differences == 0, running.scan.progress.findings


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_finds_exactly_what_was_planted(seed: int) -> None:
    world = filled(seed)
    world.target.documents = world.expected()
    missing, different = sorted(world.source.rows)[1:3]
    del world.target.documents[missing]
    world.target.documents[different] = document(different, -1)
    world.target.documents[99] = document(99, 0)
    running = world.work(JobKind.VERIFY, Options(repair=True))

    while not running.done:
        world.settle()

    progress = running.scan.progress
    assert [(each["kind"], each["_id"]) for each in progress.findings] == [
        ("missing", missing),
        ("different", different),
        ("extra", 99),
    ]
    assert (progress.missing, progress.different, progress.extra) == (1, 1, 1)
    assert progress.repaired == 3
    assert world.target.documents == world.expected()


def test_without_windows_the_sides_end_unequal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test that these tests can fail."""

    def everything(self: Window, collection: str, operations: list[Operation]) -> list[Operation]:
        return operations

    def ends_unequal(seed: int) -> bool:
        world = filled(seed)
        finish(world, world.work(JobKind.BACKFILL))
        return world.target.documents != world.expected()

    monkeypatch.setattr(Window, "untouched", everything)

    assert any(map(ends_unequal, range(200)))  # threads decide which of the seeds does
