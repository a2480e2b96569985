"""What is published of rows that copies read, beside what is published of their changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cdc.chunks.windows import Window
from cdc.model.job import JobKind
from cdc.model.message import Message
from tests.unit.chunks.support.turns import SEEDS, filled, finish
from tests.unit.chunks.support.world import READ, World, end, identifier, once, world_of


def known(topic: Sequence[Message]) -> dict[bytes | None, bytes | None] | None:
    """Return what a consumer knows of each key; None if it got a read older than a change."""
    found: dict[bytes | None, bytes | None] = {}
    for each in topic:
        if each.headers == READ and each.key in found and found[each.key] != each.value:
            return None
        found[each.key] = each.value
    return found


def expected(world: World) -> dict[bytes | None, bytes | None]:
    return {identifier(int(str(key))): document for key, document in world.expected().items()}


@pytest.mark.parametrize("kind", [JobKind.BACKFILL, JobKind.RESYNC], ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_who_takes_reads_and_changes_in_order_knows_the_rows(seed: int, kind: JobKind) -> None:
    world = filled(seed)

    finish(world, world.work(kind))

    found = known(world.target.topic)
    assert found is not None
    assert {key: value for key, value in found.items() if value is not None} == expected(world)


def test_a_row_that_is_deleted_behind_its_select_is_not_read() -> None:
    world = world_of(1, 2)

    def delete() -> None:
        world.source.remove(1)
        world.deliver()

    end(world, world.work(JobKind.BACKFILL, behind=once(delete)))

    told = [(each.key, each.headers == READ) for each in world.target.topic]
    assert told == [(identifier(1), False), (identifier(2), True)]


def test_without_windows_some_read_is_older_than_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test that these tests can fail."""

    def everything(self: Window, messages: Sequence[Message]) -> list[Message]:
        return [*messages]

    def goes_back(seed: int) -> bool:
        world = filled(seed)
        finish(world, world.work(JobKind.BACKFILL))
        return known(world.target.topic) is None

    monkeypatch.setattr(Window, "unpublished", everything)

    assert any(map(goes_back, range(200)))  # threads decide which of the seeds does
