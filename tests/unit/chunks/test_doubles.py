"""Jobs beside a stream whose every update moves a document: no `_id` is left at two places."""

from __future__ import annotations

from typing import Final

import pytest

from cdc.chunks.doubles import NOTE
from cdc.model.job import JobKind, Options
from tests.unit.chunks.support.turns import SEEDS, filled, finish
from tests.unit.chunks.support.world import World, identifier

VALUE: Final = (("value",),)


def apart(world: World, running_kind: JobKind, options: Options | None = None) -> None:
    """Run a job while the source rests."""
    running = world.work(running_kind, options)
    while not running.done:
        world.settle()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_first_copy_beside_the_stream_leaves_each_document_once(seed: int) -> None:
    world = filled(seed, shard=VALUE)

    finish(world, world.work(JobKind.BACKFILL))

    assert world.target.documents == world.expected()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resync_beside_the_stream_removes_all_doubles(seed: int) -> None:
    world = filled(seed, shard=VALUE)
    for key in range(0, 60, 3):
        world.plant(key, -1)
        world.plant(key, -2)

    finish(world, world.work(JobKind.RESYNC))

    assert world.target.documents == world.expected()


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_beside_the_stream_finds_nothing_where_nothing_is_wrong(seed: int) -> None:
    world = filled(seed, shard=VALUE)
    world.target.documents = world.expected()
    running = world.work(JobKind.VERIFY)

    finish(world, running)

    assert running.scan.progress.differences == 0, running.scan.progress.findings


def test_verify_names_doubles_and_repairs_them() -> None:
    world = filled(1, shard=VALUE)
    world.target.documents = world.expected()
    one, other = sorted(world.source.rows)[1:3]
    world.plant(one, -1)
    world.target.documents.pop(world.key(other, world.source.rows[other]))
    world.plant(other, -1)
    world.plant(99, -1)
    world.plant(99, -2)
    running = world.work(JobKind.VERIFY, Options(repair=True))

    while not running.done:
        world.settle()

    progress = running.scan.progress
    assert sorted(
        (each["_id"], each["kind"], each.get("note", "")) for each in progress.findings
    ) == [
        (one, "extra", NOTE),
        (other, "extra", NOTE),
        (other, "missing", ""),
        (99, "extra", ""),
        (99, "extra", ""),
    ]
    assert progress.repaired == 5
    assert world.target.documents == world.expected()


def test_a_copy_into_a_collection_that_is_not_empty_removes_doubles_and_counts_them() -> None:
    world = filled(2, shard=VALUE)
    key = min(world.source.rows)
    world.plant(key, -1)
    running = world.work(JobKind.BACKFILL)

    while not running.done:
        world.settle()

    assert world.target.documents == world.expected()
    progress = running.scan.progress
    assert (progress.removed, progress.written) == (1, len(world.source.rows))
    assert [each["note"] for each in progress.findings] == [NOTE]


def test_a_row_without_a_document_leaves_none_of_its_doubles_behind_a_retry() -> None:
    world = World(0, shard=VALUE)
    world.plant(1, -1)
    world.plant(1, -2)

    apart(world, JobKind.RETRY, Options(ids=(1, 2)))

    assert world.target.documents == {}
    assert world.target.copies("c", [identifier(1)]) == []


def test_what_a_resync_would_remove_are_its_doubles_too() -> None:
    world = filled(3, shard=VALUE)
    world.target.documents = world.expected()
    key = min(world.source.rows)
    world.plant(key, -1)
    running = world.work(JobKind.VERIFY, Options(extra_only=True))

    while not running.done:
        world.settle()

    assert [(each["_id"], each["note"]) for each in running.scan.progress.findings] == [(key, NOTE)]
