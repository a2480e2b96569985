"""Removes old jobs that are done, so that looking for the others stays quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 3600.0


class Jobs(Protocol):
    """The jobs of the stream."""

    def prepare(self) -> None:
        """Make queries for them quick."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Remove jobs from before that time that are no longer needed; return how many."""
        ...


class JobRetention:
    """Removes old jobs once an hour; called between jobs."""

    def __init__(
        self, jobs: Jobs, *, keep_days: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep jobs for so many days from their request; `clock` counts seconds."""
        self._jobs = jobs
        self._keep = timedelta(days=keep_days)
        self._clock = clock
        self._tidied_at: float | None = None

    def tidy(self) -> None:
        """Remove old jobs, if it is time; the first time also create the indexes."""
        now = self._clock()
        if self._tidied_at is not None and now - self._tidied_at < AGAIN_SECONDS:
            return
        if self._tidied_at is None:
            self._jobs.prepare()
        gone = self._jobs.forget(before=datetime.now(UTC) - self._keep)
        if gone:
            log.info("jobs_forgotten", jobs=gone)
        self._tidied_at = now
