"""What copies and retries do about rows that the stream, or they themselves, set aside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cdc.chunks.table import MappedChunk
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import Failure, Origin, Reason
from cdc.model.job import JobKind, Options
from cdc.model.operation import Operation, OperationKind
from tests.unit.chunks.support.world import (
    OneCollection,
    SourceTable,
    World,
    document,
    end,
    identifier,
    once,
    position,
    world_of,
)


def failed(key: int) -> Failure:
    return Failure(0, "update", identifier(key), b"", Reason.VALUE, "no number")


def set_aside(world: World, key: int) -> None:
    """Have the stream's next transaction fail on a row."""
    world.source.log.append([])
    world.applied = len(world.source.log)
    mapped = MappedTransaction(
        "x",
        Checkpoint(position(world.applied)),
        0.0,
        (("c", []),),
        origins=(Origin("t", False, 1, (failed(key),)),),
    )
    world.windows.note(Batch((mapped,)))


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """What the target was given."""
    given: list[Batch] = []

    def apply(self: object, batch: Batch) -> None:
        given.append(batch)

    monkeypatch.setattr("tests.unit.chunks.support.world.Target.apply", apply)
    return given


def failing(monkeypatch: pytest.MonkeyPatch, *keys: int) -> None:
    """Have the rows of these keys be impossible to map."""
    part: Callable[..., MappedChunk] = SourceTable._part

    def without(rows: dict[int, int], high: object, *, finished: bool) -> MappedChunk:
        rest = {key: value for key, value in rows.items() if key not in keys}
        failures = tuple(failed(key) for key in rows if key in keys)
        found = part(rest, high, finished=finished)
        return found._replace(failures={"c": failures}, last=max(rows, default=None))

    monkeypatch.setattr(SourceTable, "_part", staticmethod(without))


def failures_in(batches: list[Batch]) -> list[bytes]:
    return [each.id for batch in batches for _, failures in batch.failures() for each in failures]


def test_what_fails_in_the_stream_behind_the_select_is_not_written_as_it_was_before() -> None:
    world = world_of(1, 2)

    end(world, world.work(JobKind.BACKFILL, behind=once(lambda: set_aside(world, 1))))

    assert world.target.documents == {2: document(2, 1)}


def test_a_retry_writes_what_is_there_and_takes_away_what_is_not() -> None:
    world = world_of(1, 2)
    world.target.documents = {1: document(1, 0), 3: document(3, 0), 4: document(4, 0)}

    end(world, world.work(JobKind.RETRY, Options(ids=(1, 3, 5))))

    assert world.target.documents == {1: document(1, 1), 4: document(4, 0)}


def test_a_retry_leaves_alone_what_the_stream_writes_meanwhile() -> None:
    world = world_of(1, 2)
    world.target.documents = {1: document(1, 0), 2: document(2, 0)}

    def move() -> None:
        world.source.remove(1)
        world.source.put(3, 3)
        world.deliver()
        world.deliver()

    end(world, world.work(JobKind.RETRY, Options(ids=(1, 3)), behind=once(move)))

    assert world.target.documents == {2: document(2, 0), 3: document(3, 3)}


def test_a_retry_tells_even_of_rows_that_never_had_a_document(batches: list[Batch]) -> None:
    world = world_of()

    end(world, world.work(JobKind.RETRY, Options(ids=(7,))))

    written = [each.id for batch in batches for _, some in batch.changes() for each in some]
    assert written == [identifier(7)]


@pytest.mark.parametrize("kind", [JobKind.BACKFILL, JobKind.RESYNC])
def test_rows_that_fail_in_a_copy_are_told_once(
    monkeypatch: pytest.MonkeyPatch, batches: list[Batch], kind: JobKind
) -> None:
    failing(monkeypatch, 2, 5)
    world = world_of(1, 2, 3, 4, 5)

    end(world, world.work(kind))

    assert failures_in(batches) == [identifier(2), identifier(5)]


def test_a_resync_keeps_the_document_of_a_row_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 2)
    world = world_of(1, 2)
    world.target.documents = {2: document(2, 0), 3: document(3, 0)}

    end(world, world.work(JobKind.RESYNC))

    assert world.target.documents == {1: document(1, 1), 2: document(2, 0)}


def test_verify_tells_of_rows_that_fail_and_repair_leaves_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing(monkeypatch, 2, 3)
    world = world_of(1, 2, 3)
    world.target.documents = {2: document(2, 0)}

    running = world.work(JobKind.VERIFY, Options(repair=True))
    end(world, running)

    found = {each["_id"]: each for each in running.scan.progress.findings}
    assert {key: each["kind"] for key, each in found.items()} == {
        1: "missing",
        2: "different",
        3: "missing",
    }
    assert "no number" in found[2]["note"]
    assert running.scan.progress.repaired == 1
    assert world.target.documents == {1: document(1, 1), 2: document(2, 0)}


def test_a_retry_leaves_a_marked_document_as_it_is_and_tells_of_it(
    monkeypatch: pytest.MonkeyPatch, batches: list[Batch]
) -> None:
    monkeypatch.setattr(OneCollection, "is_gone", lambda *_: True)
    world = world_of()
    world.target.documents = {7: document(7, 0)}

    end(world, world.work(JobKind.RETRY, Options(ids=(7,))))

    written = [each for batch in batches for _, some in batch.changes() for each in some]
    assert written == [Operation(OperationKind.REPLACE, identifier(7), document(7, 0))]
