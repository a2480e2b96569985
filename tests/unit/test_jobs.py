from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.jobs import Job, JobKind, JobState, Options, unsettled


def job(kind: JobKind, state: JobState, options: Options | None = None, table: str = "a.b") -> Job:
    return replace(Job.request("s", kind, table, by="test", options=options), state=state)


FAILED = job(JobKind.BACKFILL, JobState.FAILED, Options(target="docs"))


def test_a_failed_job_is_told_of_until_it_is_made_good() -> None:
    done = job(JobKind.VERIFY, JobState.DONE)
    waiting = job(JobKind.RESYNC, JobState.QUEUED)

    assert unsettled([FAILED, done, waiting]) == [FAILED, waiting]


@pytest.mark.parametrize("kind", [JobKind.BACKFILL, JobKind.RESYNC])
def test_a_later_copy_of_the_whole_table_makes_it_good(kind: JobKind) -> None:
    assert unsettled([FAILED, job(kind, JobState.DONE)]) == []


@pytest.mark.parametrize(
    "other",
    [
        job(JobKind.BACKFILL, JobState.DONE, Options(where="id > 5")),
        job(JobKind.BACKFILL, JobState.DONE, Options(target="others")),
        job(JobKind.BACKFILL, JobState.DONE, table="a.c"),
        job(JobKind.BACKFILL, JobState.CANCELLED),
    ],
    ids=["a part", "another collection", "another table", "cancelled"],
)
def test_a_copy_of_something_else_does_not(other: Job) -> None:
    assert unsettled([FAILED, other]) == [FAILED]


def test_a_job_that_was_done_before_it_failed_does_not_make_it_good() -> None:
    assert unsettled([job(JobKind.BACKFILL, JobState.DONE), FAILED]) == [FAILED]
