"""Retries: waits, their end, and their state for other threads."""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from cdc.model.telemetry import Outage

T = TypeVar("T")

log = structlog.get_logger(__name__)

CAP_SECONDS: Final = 30.0


@dataclass(slots=True)
class Backoff:
    """Capped exponential waits with jitter, in seconds: half of each is fixed, half random."""

    first_seconds: float = 0.2
    cap_seconds: float = CAP_SECONDS
    _attempts: int = field(default=0, init=False)

    def next(self) -> float:
        """Return the next wait."""
        wait: float = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again at the first wait, after a success."""
        self._attempts = 0


class Stopped(Exception):
    """The program was stopped while it waited to try again."""


def retry_until_done(
    attempt: Callable[[], T],
    *,
    event: str,
    passing: Callable[[Exception], bool],
    stopping: threading.Event,
    cap_seconds: float = CAP_SECONDS,
) -> T:
    """Repeat `attempt` while its errors are `passing`; logs `event` before each wait.

    Waits up to `cap_seconds`. Raises other errors, and Stopped once `stopping` is set.
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


def let_go(error: BaseException) -> None:
    """Clear the frames of an error, and of those that it came from, and forget them.

    A driver that keeps an error in a variable of a frame in the error's own traceback makes a
    cycle. Every local of every frame on its way, a batch of megabytes among them, then lives until
    the garbage collector runs. The daemon runs it seldom, so loops let go before they retry.

    The frames must be forgotten too: a cleared frame keeps its function, and that its closure.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if each.__traceback__ is not None:
            traceback.clear_frames(each.__traceback__)
        each.__traceback__ = None
        waiting += [each.__cause__, each.__context__]


class Liveness:
    """Ticks at each turn of the work, also at a failed attempt."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def tick(self) -> None:
        """Note a turn of the work."""
        self._at = time.monotonic()

    @property
    def seconds_ago(self) -> float:
        """Return the seconds since the last tick."""
        return time.monotonic() - self._at


class OutageTracker:
    """Tracks the attempts of one thread; other threads read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._failed: tuple[str, float] | None = None

    def failed(self, error: str) -> None:
        """Note a failed attempt."""
        since = self._failed[1] if self._failed else self._clock()
        self._failed = (error, since)

    def succeeded(self) -> None:
        """Note a success."""
        self._failed = None

    @property
    def outage(self) -> Outage | None:
        """The current outage; None if there is none."""
        failed = self._failed
        return Outage(failed[0], self._clock() - failed[1]) if failed else None
