"""The workers of a first copy on this machine: `cdc work` processes that end with the daemon."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from cdc.retry import Backoff

log = structlog.get_logger(__name__)

END_SECONDS: Final = 10.0
"""The limit for workers to finish the chunk in flight; then they are killed, which costs it."""


@dataclass(slots=True)
class _Place:
    """One worker, or when to start the next one in its stead."""

    worker: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=1.0))


class CopyWorkers:
    """Keeps a number of workers running."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        """`command` runs one worker, which ends once its standard input does."""
        self._command = command
        self._places = [_Place() for _ in range(count)]

    @property
    def running(self) -> int:
        """The workers that were started and have not been seen to end."""
        return sum(each.worker is not None for each in self._places)

    def keep(self) -> None:
        """Start those that do not run; one that ended is waited for, longer each time.

        One call starts no more than there are cores: a start takes a core for a second, and with
        all at once the first to be ready would be as late as the last.
        """
        most = self.running + len(os.sched_getaffinity(0))
        for place in self._places:
            if place.worker is not None and place.worker.poll() is not None:
                self._ended(place, place.worker)
            is_due = place.worker is None and time.monotonic() >= place.start_at
            if is_due and self.running < most:
                place.worker = subprocess.Popen(self._command, stdin=subprocess.PIPE)
                log.info("worker_started", pid=place.worker.pid)

    def _ended(self, place: _Place, worker: subprocess.Popen[bytes]) -> None:
        seconds = place.backoff.next()
        log.warning(
            "worker_ended",
            pid=worker.pid,
            exit_code=worker.returncode,
            start_again_in_seconds=round(seconds, 1),
        )
        place.worker, place.start_at = None, time.monotonic() + seconds

    def stop(self) -> None:
        """End them."""
        workers = [each.worker for each in self._places if each.worker is not None]
        for each in workers:
            assert each.stdin is not None
            with suppress(OSError):
                each.stdin.close()
        until = time.monotonic() + END_SECONDS
        for each in workers:
            try:
                each.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        for place in self._places:
            place.worker = None
