"""Counts the rows that are copied, for metrics."""

from __future__ import annotations

from collections import Counter
from typing import Final

from cdc.model.job import Job, JobKind, JobState, Progress

NEARLY: Final = 0.99
"""The highest ratio of a running copy: its number of rows is an estimate."""


class CopyCounters:
    """Counts in the chunk thread and the main thread, in turn; other threads read."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._ratios: dict[str, float] = {}
        self._seen = 0

    def begun(self, job: Job, progress: Progress) -> None:
        """Note the start or resumption of a job: the rows before that do not count."""
        self._seen = progress.rows
        self.at(job, progress)

    def at(self, job: Job, progress: Progress) -> None:
        """Note the progress of the job."""
        if job.kind is JobKind.VERIFY:
            return
        self._rows[job.table] += progress.rows - self._seen
        self._seen = progress.rows
        if progress.total:
            self._ratios[job.table] = min(NEARLY, progress.rows / progress.total)

    def copied(self, table: str, rows: int, total: int, is_whole: bool) -> None:
        """Note how far a held stream's table has come: rows of about `total`, whoever copies it."""
        self._rows[table] = rows
        self._ratios[table] = 1.0 if is_whole else min(NEARLY, rows / total) if total else 0.0

    def ended(self, job: Job, state: JobState) -> None:
        """Note that a job is done, or left."""
        if job.kind is JobKind.VERIFY:
            return
        if state is JobState.DONE:
            self._ratios[job.table] = 1.0
        else:
            self._ratios.pop(job.table, None)

    @property
    def rows(self) -> dict[str, int]:
        """The rows copied since the process started, by table."""
        return dict(self._rows)

    @property
    def ratios(self) -> dict[str, float]:
        """The copied ratio of each table: 1 is done. Jobs that were left have none."""
        return dict(self._ratios)
