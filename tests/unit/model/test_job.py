from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.model.job import Job, JobKind, JobState, Options


@pytest.mark.parametrize(
    ("sample", "count", "share"),
    [(None, 10, 100), (1.0, 3, 100), (10.0, 200, 50), (10.0, 100_000, 10), (1.0, 0, 100)],
)
def test_a_sample_is_no_smaller_than_a_hundred_or_all(
    sample: float | None, count: int, share: float
) -> None:
    assert Options(sample=sample).share(count) == share


@pytest.mark.parametrize(
    ("state", "active", "told"),
    [
        (JobState.RUNNING, True, "running"),
        (JobState.RUNNING, False, "interrupted, waits for a daemon"),
        (JobState.QUEUED, False, "queued, waits for a daemon"),
        (JobState.PAUSED, False, "paused"),
        (JobState.FAILED, False, "failed"),
    ],
)
def test_a_job_that_nobody_is_at_waits_for_a_daemon(
    state: JobState, active: bool, told: str
) -> None:
    job = Job.request("s", JobKind.RESYNC, "shop.orders", by="test")

    assert replace(job, state=state).told(active=active) == told
