from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cdc.model import job_facts
from cdc.model.job import Job, JobKind, JobState, Progress

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = replace(
    Job.request("shop", JobKind.VERIFY, "shop.orders", by="test"),
    requested_at=AT,
    state=JobState.DONE,
    progress=Progress(
        cursor=("secret",),
        rows=2,
        missing=1,
        started_at=AT,
        pending=(("orders", b"secret"),),
        findings=({"kind": "missing", "collection": "orders", "_id": 7, "fields": []},),
    ),
)


def test_all_is_told_but_what_only_the_work_needs() -> None:
    facts = job_facts.whole(JOB, active=True)

    assert facts["requested_at"] == facts["started_at"] == "2026-01-02T03:04:05+00:00"
    assert facts["findings"] == [
        {"kind": "missing", "collection": "orders", "id": 7, "fields": [], "note": None}
    ]
    assert "secret" not in str(facts)


def test_a_job_that_has_not_begun_has_no_times_of_its_work() -> None:
    facts = job_facts.whole(replace(JOB, state=JobState.QUEUED, progress=None), active=False)

    assert facts["waits"]
    assert facts["started_at"] is facts["seconds"] is facts["phase"] is None
    assert (facts["rows"], facts["missing"], facts["findings"]) == (0, 0, [])


def test_the_documentation_names_each_key() -> None:
    text = (ROOT / "docs" / "observing.md").read_text()
    section = text.partition("### What programs read")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}

    assert told == set(job_facts.whole(JOB, active=True))
