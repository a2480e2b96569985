"""Counts the rows that are copied, for metrics."""

from __future__ import annotations

from collections import Counter
from typing import Final

from cdc.model.job import Job, JobKind, JobState, Progress

NEARLY: Final = 0.99
"""The most that a copy at work has done: its number of rows is an estimate."""


class CopyCounters:
    """The chunk thread and the main thread count, one after the other; other threads ask."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._ratios: dict[str, float] = {}
        self._seen = 0

    def begun(self, job: Job, progress: Progress) -> None:
        """Learn where a job is begun, or gone on with: the rows before that are not counted."""
        self._seen = progress.rows
        self.at(job, progress)

    def at(self, job: Job, progress: Progress) -> None:
        """Learn how far the job is that was begun."""
        if job.kind is JobKind.VERIFY:
            return
        self._rows[job.table] += progress.rows - self._seen
        self._seen = progress.rows
        if progress.total:
            self._ratios[job.table] = min(NEARLY, progress.rows / progress.total)

    def ended(self, job: Job, state: JobState) -> None:
        """Learn that a job is done, or left."""
        if job.kind is JobKind.VERIFY:
            return
        if state is JobState.DONE:
            self._ratios[job.table] = 1.0
        else:
            self._ratios.pop(job.table, None)

    @property
    def rows(self) -> dict[str, int]:
        """Rows copied since the process started, by table."""
        return dict(self._rows)

    @property
    def ratios(self) -> dict[str, float]:
        """How much of each table is copied: 1 is done. None of those that were left."""
        return dict(self._ratios)
