"""Keeps few of the jobs that are done, so that looking for those that matter stays quick."""

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
        """Make looking for them quick."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Remove those from before that are of no more use; return how many."""
        ...


class JobRetention:
    """Called between jobs, it removes old ones once an hour."""

    def __init__(
        self, jobs: Jobs, *, keep_days: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep jobs for so many days from when they were asked for; `clock` tells seconds."""
        self._jobs = jobs
        self._keep = timedelta(days=keep_days)
        self._clock = clock
        self._tidied_at: float | None = None

    def __call__(self) -> None:
        """Tidy, if it is time; the first time also see to the indexes."""
        now = self._clock()
        if self._tidied_at is not None and now - self._tidied_at < AGAIN_SECONDS:
            return
        if self._tidied_at is None:
            self._jobs.prepare()
        gone = self._jobs.forget(before=datetime.now(UTC) - self._keep)
        if gone:
            log.info("jobs_forgotten", jobs=gone)
        self._tidied_at = now
