"""How much there is to do, as operators are told."""

from __future__ import annotations

import pytest

from cdc.model.job import JobKind, Options
from tests.unit.chunks.support import world as worlds
from tests.unit.chunks.support.world import end, world_of

ROWS = 300


@pytest.mark.parametrize(
    ("options", "total"),
    [
        (Options(), ROWS),
        (Options(sample=50), ROWS // 2),
        (Options(where="id > 3"), 0),
        (Options(first=("3",)), 0),
        (Options(last=("3",)), 0),
    ],
)
def test_a_part_of_a_table_is_not_taken_for_all_of_it(options: Options, total: int) -> None:
    world = world_of(*range(ROWS))

    running = world.work(JobKind.BACKFILL, options)
    end(world, running)

    assert running.scan.progress.total == total


def test_every_document_that_is_searched_counts() -> None:
    world = world_of(*range(ROWS))
    world.target.documents = world.expected()

    running = world.work(JobKind.VERIFY)
    end(world, running)

    progress = running.scan.progress
    assert (progress.searched, progress.to_search) == (ROWS, ROWS)


@pytest.mark.parametrize(("options", "expected"), [(Options(), ROWS), (Options(sample=50), 1000)])
def test_rows_that_were_counted_are_not_estimated(
    monkeypatch: pytest.MonkeyPatch, options: Options, expected: int
) -> None:
    monkeypatch.setattr(worlds.SourceTable, "rows", 1000)
    world = world_of(*range(ROWS))

    running = world.work(JobKind.RESYNC, options)
    end(world, running)

    assert running.scan.progress.to_search == expected
