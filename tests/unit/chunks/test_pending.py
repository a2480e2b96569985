"""Documents that the stream touched while verify compared them are compared all the same."""

from __future__ import annotations

from collections.abc import Iterator

import bson
import pytest

from cdc.chunks import findings
from cdc.model.job import JobKind, Options, Progress
from tests.support.waiting import eventually
from tests.unit.chunks.support.world import Running, World, document, end, world_of


class Killed(Exception):
    """The process died."""


def saved(running: Running) -> Progress:
    """The progress as another process reads it."""
    options = bson.CodecOptions[dict[str, object]](tz_aware=True)
    document = bson.decode(bson.encode(running.scan.progress.to_document()), options)
    return Progress.from_document(document)


def settle_until_killed(world: World, running: Running) -> None:
    def is_killed() -> bool:
        try:
            assert not running.done, "it ended before it was killed"
        except Killed:
            return True
        world.settle()
        return False

    eventually(is_killed)


def damaged(world: World, *keys: int) -> None:
    """Have the stream touch documents, and somebody spoil them."""
    for key in keys:
        world.source.put(key, 2)
        world.deliver()
        world.target.documents[key] = document(key, -1)


def test_a_verification_that_is_killed_remembers_what_to_look_at_again() -> None:
    world = world_of(1, 2)
    world.target.documents = world.expected()
    looks: Iterator[int] = iter(range(9))

    def touch_then_die() -> None:
        if next(looks):
            raise Killed
        damaged(world, 1)

    killed = world.work(JobKind.VERIFY, behind=touch_then_die)
    settle_until_killed(world, killed)
    resumed = world.work(JobKind.VERIFY, progress=saved(killed))
    end(world, resumed)

    progress = resumed.scan.progress
    assert [(each["kind"], each["_id"]) for each in progress.findings] == [("different", 1)]
    assert (progress.pending, progress.unsettled) == ((), 0)


def test_what_was_mended_is_counted_though_the_source_went_away_behind_it() -> None:
    world = world_of(*range(6))
    world.target.documents = world.expected()
    del world.target.documents[1]
    looks: Iterator[int] = iter(range(9))

    def go_away() -> None:
        if next(looks):
            raise Killed

    repair = Options(repair=True)
    broken = world.work(JobKind.VERIFY, repair, behind=go_away)
    broken.join(0.3)  # it waits for what it has read, which nobody settles yet
    settle_until_killed(world, broken)
    saved_by_then = saved(broken)
    world.settle()
    resumed = world.work(JobKind.VERIFY, repair, progress=saved_by_then)
    end(world, resumed)

    progress = resumed.scan.progress
    assert (progress.missing, progress.repaired) == (1, 1)
    assert world.target.documents == world.expected()


def test_much_that_is_to_be_looked_at_again_is_not_gathered_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "MUCH_PENDING", 2)
    world = world_of(*range(12))
    world.target.documents = world.expected()
    looks: Iterator[int] = iter(range(0, 100, 3))

    def touch() -> None:
        first = next(looks)
        if first < 12:
            damaged(world, first, first + 1)

    running = world.work(JobKind.VERIFY, behind=touch)
    most = 0
    while not running.done:
        world.settle()
        most = max(most, len(running.scan.progress.pending))

    found = {each["_id"] for each in running.scan.progress.findings}
    assert found == {key for key in world.source.rows if world.source.rows[key] == 2}
    assert 0 < most <= 8
