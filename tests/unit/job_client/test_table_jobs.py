from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.job_client.table_jobs import tell
from cdc.model.job import Job, JobKind, JobState, Progress

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
