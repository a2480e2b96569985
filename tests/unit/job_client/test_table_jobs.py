from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.job_client.table_jobs import tell
from cdc.model.job import Job, JobKind, JobState, Options, Progress

JOB = Job.request("s", JobKind.VERIFY, "shop.orders", by="test")
FINDING = {"kind": "missing", "collection": "orders", "_id": 7, "fields": []}


def test_differences_that_are_not_listed_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(rows=500, missing=120, different=3, findings=(FINDING,) * 100)

    tell(replace(JOB, state=JobState.DONE, progress=progress))

    *_, last, more = capsys.readouterr().out.splitlines()
    assert last == "  missing   orders 7"
    assert more == "  and 23 more: only the first 100 are kept"


def test_where_all_are_listed_there_are_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    tell(
        replace(JOB, state=JobState.DONE, progress=Progress(rows=1, missing=1, findings=(FINDING,)))
    )

    assert "more" not in capsys.readouterr().out


def test_what_is_equal_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    for rows in (2, 1, 0):
        tell(replace(JOB, state=JobState.DONE, progress=Progress(rows=rows)))

    assert capsys.readouterr().out.splitlines() == [
        "verify shop.orders: 2 rows compared, all equal",
        "verify shop.orders: 1 row compared, all equal",
        "verify shop.orders: no row was compared: the source gave none",
    ]


@pytest.mark.parametrize(
    ("percent", "told"), [(5.0, "5%"), (4.2643, "4.26%"), (None, "5%"), (100.0, "")]
)
def test_that_only_a_part_was_compared_is_told(
    capsys: pytest.CaptureFixture[str], percent: float | None, told: str
) -> None:
    job = replace(JOB, state=JobState.DONE, options=Options(sample=5.0))

    tell(replace(job, progress=Progress(rows=120, percent=percent)))

    part = f" (about {told} of the table)" if told else ""
    assert capsys.readouterr().out == (f"verify shop.orders: 120 rows compared{part}, all equal\n")


def test_what_differs_is_counted_and_what_does_not_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress(rows=9, different=1, unsettled=2, findings=(FINDING,))
    tell(replace(JOB, state=JobState.DONE, progress=progress))

    told, _ = capsys.readouterr().out.splitlines()
    assert told == "verify shop.orders: 9 rows compared, 1 different, 2 changing all the time"


def test_a_job_that_failed_tells_why_and_how_far_it_came(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(replace(JOB, state=JobState.FAILED, error="no such table", progress=Progress(rows=3)))

    assert capsys.readouterr().out.splitlines() == [
        "verify shop.orders: failed",
        "  no such table",
        "  3 rows compared, all equal so far",
    ]
