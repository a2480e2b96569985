from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cdc.chunks.retention import AGAIN_SECONDS, JobRetention


@dataclass
class Jobs:
    """Jobs that remember what was asked of them."""

    prepared: int = 0
    before: list[datetime] = field(default_factory=list)

    def prepare(self) -> None:
        self.prepared += 1

    def forget(self, *, before: datetime) -> int:
        self.before.append(before)
        return 1


def test_old_jobs_are_forgotten_at_once_and_then_once_an_hour() -> None:
    jobs, now = Jobs(), 0.0
    tidy = JobRetention(jobs, keep_days=2, clock=lambda: now).tidy

    tidy()
    tidy()
    assert len(jobs.before) == 1
    now += AGAIN_SECONDS
    tidy()

    assert (jobs.prepared, len(jobs.before)) == (1, 2)
    age = datetime.now(UTC) - jobs.before[0]
    assert timedelta(days=2) <= age < timedelta(days=2, minutes=5)
