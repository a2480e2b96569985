"""Which jobs matter, and that finding them does not depend on how many there have been."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from cdc.errors import Retryable
from cdc.model.job import Job, JobKind, JobState, Options, Progress
from cdc.writers.jobs import Jobs, unsettled_jobs
from cdc_sandbox.servers import MongoServer
from tests.support.sent_commands import SentCommands

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=31)
MANY = 100_000


@pytest.fixture
def commands() -> SentCommands:
    return SentCommands()


@pytest.fixture
def state(
    mongo: MongoServer, state_database: str, commands: SentCommands
) -> Iterator[Database[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(
        mongo.uri, event_listeners=[commands], tz_aware=True
    )
    with client:
        yield client[state_database]


@pytest.fixture
def jobs(state: Database[dict[str, Any]]) -> Jobs:
    client: MongoClient[dict[str, Any]] = state.client
    jobs = Jobs(client, state_database=state.name, stream="s")
    jobs.prepare()
    return jobs


def job(
    kind: JobKind,
    state: JobState,
    options: Options | None = None,
    *,
    at: datetime,
    table: str = "a.b",
) -> Job:
    requested = Job.request("s", kind, table, by="test", options=options)
    progress = Progress(cursor=(1, 2), pending=(("docs", b"\x10\0\0\0\0"),))
    return replace(requested, state=state, requested_at=at, progress=progress)


def put(jobs: Jobs, *wanted: Job) -> None:
    for each in wanted:
        jobs.add(each)


def ids(found: list[Job]) -> list[str]:
    return [each.id for each in found]


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


FAILED = job(JobKind.BACKFILL, JobState.FAILED, Options(target="docs"), at=NOW)


def test_a_failed_job_is_told_of_until_it_is_made_good(jobs: Jobs) -> None:
    done = job(JobKind.VERIFY, JobState.DONE, at=later(1))
    paused = job(JobKind.RESYNC, JobState.PAUSED, at=later(2))
    waiting = job(JobKind.RESYNC, JobState.QUEUED, at=later(3))

    put(jobs, waiting, done, paused, FAILED)

    assert ids(jobs.unsettled()) == [FAILED.id, paused.id, waiting.id]
    assert ids(jobs.unended()) == [paused.id, waiting.id]
    assert ids(jobs.failed()) == [FAILED.id]
    assert all(each.progress and each.progress.pending == () for each in jobs.unsettled())


def test_each_of_many_that_failed_is_judged_by_itself(jobs: Jobs) -> None:
    failed = [
        job(JobKind.BACKFILL, JobState.FAILED, at=later(each), table=f"a.t{each}")
        for each in range(250)
    ]
    again = [
        job(JobKind.RESYNC, JobState.DONE, at=later(999), table=each.table) for each in failed[::2]
    ]
    put(jobs, *failed, *again)

    assert ids(jobs.failed()) == ids(failed[1::2])


def test_all_streams_are_asked_about_at_once(
    jobs: Jobs, state: Database[dict[str, Any]], commands: SentCommands
) -> None:
    others = [replace(FAILED, id=f"f{each}", stream=f"s{each}") for each in range(9)]
    again = job(JobKind.RESYNC, JobState.DONE, at=later(1))
    put(jobs, FAILED, *others, replace(again, stream="s3"), replace(again, id="r", stream="s4"))
    commands.names.clear()

    found = unsettled_jobs(state, [each.stream for each in others])

    assert {each.stream for each in found} == {f"s{each}" for each in (0, 1, 2, 5, 6, 7, 8)}
    assert commands.names == ["find", "find", "aggregate"]


@pytest.mark.parametrize("kind", [JobKind.BACKFILL, JobKind.RESYNC])
@pytest.mark.parametrize("options", [None, Options(target="docs")], ids=["all", "the same"])
def test_a_later_copy_of_the_whole_table_makes_it_good(
    jobs: Jobs, kind: JobKind, options: Options | None
) -> None:
    put(jobs, FAILED, job(kind, JobState.DONE, options, at=later(1)))

    assert jobs.unsettled() == []


def test_the_same_range_made_anew_makes_it_good(jobs: Jobs) -> None:
    options = Options(where="id > 5", first=("1",), target="docs", ids=(1, {"a": "b"}))
    put(jobs, job(JobKind.RETRY, JobState.FAILED, options, at=NOW))
    put(jobs, job(JobKind.RETRY, JobState.DONE, options, at=later(1)))

    assert jobs.unsettled() == []


@pytest.mark.parametrize(
    "other",
    [
        job(JobKind.BACKFILL, JobState.DONE, Options(where="id > 5"), at=later(1)),
        job(JobKind.BACKFILL, JobState.DONE, Options(target="others"), at=later(1)),
        job(JobKind.BACKFILL, JobState.DONE, at=later(1), table="a.c"),
        job(JobKind.BACKFILL, JobState.CANCELLED, at=later(1)),
        job(JobKind.BACKFILL, JobState.DONE, at=later(-1)),
        replace(job(JobKind.BACKFILL, JobState.DONE, at=later(1)), stream="other"),
    ],
    ids=["a part", "another collection", "another table", "cancelled", "before", "another stream"],
)
def test_a_copy_of_something_else_does_not(jobs: Jobs, other: Job) -> None:
    put(jobs, FAILED, other)

    assert ids(jobs.unsettled()) == [FAILED.id]


def test_what_is_old_is_forgotten_but_for_what_nobody_has_made_good(
    jobs: Jobs, state: Database[dict[str, Any]]
) -> None:
    kept = [
        job(JobKind.VERIFY, JobState.FAILED, at=OLD, table="a.d"),
        job(JobKind.RESYNC, JobState.PAUSED, at=OLD),
        job(JobKind.RESYNC, JobState.DONE, at=NOW),
        replace(job(JobKind.RESYNC, JobState.DONE, at=OLD), stream="other"),
    ]
    made_good = job(JobKind.BACKFILL, JobState.FAILED, at=OLD, table="a.c")
    gone = [
        made_good,
        job(JobKind.RESYNC, JobState.DONE, at=OLD),
        job(JobKind.RESYNC, JobState.CANCELLED, at=OLD),
    ]
    put(jobs, *kept, *gone, job(JobKind.BACKFILL, JobState.DONE, at=later(1), table="a.c"))

    forgotten = jobs.forget(before=NOW - timedelta(days=30))

    assert forgotten == len(gone)
    left = {each["_id"] for each in state["jobs"].find({}, {"_id": 1})}
    assert left >= {each.id for each in kept}
    assert not left & {each.id for each in gone}


def test_what_made_a_job_good_is_not_forgotten_before_it(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = job(JobKind.BACKFILL, JobState.FAILED, at=OLD)
    put(jobs, failed, job(JobKind.RESYNC, JobState.DONE, at=OLD + timedelta(minutes=1)))

    def lost(*_: object) -> None:
        raise AutoReconnect("the target went away")

    monkeypatch.setattr(Collection, "delete_one", lost)
    with pytest.raises(Retryable):
        jobs.forget(before=NOW)

    assert jobs.failed() == []


def many_done(state: Database[dict[str, Any]]) -> None:
    """Insert what a year of jobs every five minutes leaves, whole and in part."""
    document = job(JobKind.RESYNC, JobState.DONE, at=NOW).to_document()
    parts = [{"where": "id > 5"}, {"target": "others"}, {"first": ["1"]}]
    state["jobs"].insert_many(
        {
            **document,
            "_id": str(number),
            "kind": ("resync", "verify")[number % 2],
            "options": parts[number % 3],
            "requested_at": later(number % 1000),
        }
        for number in range(MANY)
    )


@pytest.mark.slow
def test_finding_what_matters_looks_at_no_job_that_is_done(
    jobs: Jobs, state: Database[dict[str, Any]]
) -> None:
    many_done(state)
    waiting = job(JobKind.VERIFY, JobState.QUEUED, at=later(1))
    put(jobs, FAILED, waiting)

    state.command({"profile": 2})
    try:
        assert ids(jobs.unsettled()) == [FAILED.id, waiting.id]
        assert ids(jobs.failed()) == [FAILED.id]
        assert ids(jobs.waiting()) == [waiting.id]
        assert jobs.forget(before=OLD) == 0
    finally:
        state.command({"profile": 0})

    asked = [*state["system.profile"].find({"ns": f"{state.name}.jobs"})]
    assert len(asked) >= 6
    assert sum(each["docsExamined"] for each in asked) <= 10
    assert sum(each["keysExamined"] for each in asked) <= 60
