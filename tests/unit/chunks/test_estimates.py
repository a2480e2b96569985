"""How much there is to do, as operators are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.model.job import Job, JobKind, Options
from cdc.model.job_facts import whole
from tests.unit.chunks.support import world as worlds
from tests.unit.chunks.support.world import end, world_of

ROWS = 300


@pytest.mark.parametrize(
    ("options", "total", "percent"),
    [
        (Options(), ROWS, 100),
        (Options(sample=50), ROWS // 2, 50),
        (Options(sample=1), 100, 33.333),
        (Options(where="id > 3"), 0, None),
        (Options(first=("3",)), 0, None),
        (Options(last=("3",)), 0, None),
    ],
)
def test_a_part_of_a_table_is_not_taken_for_all_of_it(
    options: Options, total: int, percent: float | None
) -> None:
    world = world_of(*range(ROWS))

    running = world.work(JobKind.BACKFILL, options)
    end(world, running)

    progress = running.scan.progress
    assert progress.total == total
    job = Job.request("s", JobKind.BACKFILL, "shop.orders", by="test", options=options)
    assert whole(replace(job, progress=progress), active=True)["percent_of_table"] == percent


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
