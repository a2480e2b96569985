"""Trying again: how long to wait, and until when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from cdc.error_frames import let_go

T = TypeVar("T")

log = structlog.get_logger(__name__)

CAP_SECONDS: Final = 30.0


@dataclass(slots=True)
class Backoff:
    """Capped exponential waits with jitter, in seconds: half of each is certain, half random."""

    first_seconds: float = 0.2
    cap_seconds: float = CAP_SECONDS
    _attempts: int = field(default=0, init=False)

    def next(self) -> float:
        """Return the next wait."""
        wait: float = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again at the first wait: something worked."""
        self._attempts = 0


class Stopped(Exception):
    """The program was told to stop while it waited to try again."""


def persist(
    attempt: Callable[[], T],
    *,
    event: str,
    passing: Callable[[Exception], bool],
    stopping: threading.Event,
    cap_seconds: float = CAP_SECONDS,
) -> T:
    """Repeat `attempt` while what it raises is `passing`, logging `event` before each wait.

    Waits up to `cap_seconds`. Raises what does not pass, and Stopped once `stopping` is set.
    """
    backoff = Backoff(cap_seconds=cap_seconds)
    while True:
        try:
            return attempt()
        except Exception as error:
            if not passing(error):
                raise
            let_go(error)
            seconds = backoff.next()
            log.warning(event, error=str(error), retry_in_seconds=round(seconds, 1))
            if stopping.wait(seconds):
                raise Stopped from error
