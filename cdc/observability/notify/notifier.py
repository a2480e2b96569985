"""Delivers notices on a thread of its own, so that no webhook is ever in the stream's way.

Whoever tells waits for nothing: a notice goes into a queue, or is dropped where that is full. The
thread sends one after the other, and each again until it is taken, refused for good, or too old.
What is dropped is counted and logged. When the daemon stops, what is left is tried once more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import structlog

from cdc.config.notify import NotifyConfig
from cdc.errors import CdcError
from cdc.model.notice import Notice, NoticeEvent
from cdc.model.telemetry import NoticeStats
from cdc.observability.notify.delivery import Answer, Delivery
from cdc.observability.notify.lag_watch import LagWatch
from cdc.retry import Backoff

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 100
KEPT_SECONDS: Final = 900.0
FIRST_WAIT_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 1.0
"""The interval of looks at the lag."""

CLOSE_SECONDS: Final = 5.0
"""The longest that a stop waits for what is left."""


class Dropped(StrEnum):
    """Why nobody will get a notice."""

    QUEUE_FULL = "queue_full"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    """It was tried for too long."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class _Waiting:
    notice: Notice
    since: float = field(default_factory=time.monotonic)


class Notifier:
    """Tells one webhook of one stream."""

    def __init__(self, config: NotifyConfig, stream: str) -> None:
        self._config = config
        self._delivery = Delivery(config, stream)
        self._lag = LagWatch(config.lag_seconds)
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._closing = threading.Event()
        self._abandoned = False
        self._sent: Counter[str] = Counter()
        self._dropped: Counter[tuple[str, str]] = Counter()

    def tell(self, notice: Notice) -> None:
        """Take a notice, unless `notify.events` leaves its event out; from any thread."""
        if notice.event.value not in self._config.events:
            return
        with self._changed:
            is_full = len(self._queue) >= MOST_WAITING
            if not is_full:
                self._queue.append(_Waiting(notice))
                self._changed.notify()
        if is_full:
            self._drop(notice, Dropped.QUEUE_FULL)

    def stats(self) -> NoticeStats:
        """Return the counts since the process started; from any thread."""
        with self._changed:
            return NoticeStats(dict(self._sent), dict(self._dropped), len(self._queue))

    @contextmanager
    def running(self, lag_seconds: Callable[[], float | None]) -> Iterator[None]:
        """Deliver while the block runs, and tell what ends it, if that is an error."""
        thread = threading.Thread(
            target=self._run, args=(lag_seconds,), name="notices", daemon=True
        )
        thread.start()
        try:
            yield
        except Exception as error:
            self.tell(halted(error))
            raise
        finally:
            self._close(thread)

    def _close(self, thread: threading.Thread) -> None:
        self._closing.set()
        with self._changed:
            self._changed.notify()
        thread.join(CLOSE_SECONDS)
        with self._changed:
            self._abandoned = True
            left = [each.notice for each in self._queue]
            self._queue.clear()
        for each in left:
            self._drop(each, Dropped.STOPPED)

    # -- on the thread

    def _run(self, lag_seconds: Callable[[], float | None]) -> None:
        while True:
            if not self._closing.is_set() and (notice := self._lag.look(lag_seconds())):
                self.tell(notice)
            first = self._first()
            if first is not None:
                self._deliver(first)
            elif self._closing.is_set():
                self._delivery.close()
                return

    def _first(self) -> _Waiting | None:
        """Return what has waited longest; wait for it until the next look at the lag."""
        with self._changed:
            if not self._queue and not self._closing.is_set():
                self._changed.wait(LOOK_SECONDS)
            return self._queue[0] if self._queue else None

    def _deliver(self, waiting: _Waiting) -> None:
        """Send it until it is taken, or is dropped; only then it leaves the queue."""
        backoff, notice = Backoff(FIRST_WAIT_SECONDS), waiting.notice
        while True:
            last = self._closing.is_set()
            answer = self._delivery.send(notice)
            if answer.taken or not answer.passing:
                self._done(notice, answer, None if answer.taken else Dropped.REFUSED)
                return
            if time.monotonic() - waiting.since > KEPT_SECONDS:
                self._done(notice, answer, Dropped.NOT_TAKEN)
                return
            if last:
                self._done(notice, answer, Dropped.STOPPED)
                return
            seconds = backoff.next()
            log.warning(
                "notice_retry",
                **_facts(notice),
                error=answer.what,
                retry_in_seconds=round(seconds, 1),
            )
            self._closing.wait(seconds)

    def _done(self, notice: Notice, answer: Answer, dropped: Dropped | None) -> None:
        with self._changed:
            if self._abandoned:  # it was counted as dropped, and the process ends
                return
            self._queue.popleft()
            if dropped is None:
                self._sent[notice.event.value] += 1
        if dropped is None:
            log.debug("notice_sent", **_facts(notice), answer=answer.what)
        else:
            self._drop(notice, dropped, error=answer.what)

    def _drop(self, notice: Notice, reason: Dropped, **why: str) -> None:
        with self._changed:
            self._dropped[notice.event.value, reason.value] += 1
        log.error(
            "notice_dropped", **_facts(notice), reason=reason.value, summary=notice.summary, **why
        )


def _facts(notice: Notice) -> dict[str, Any]:
    return {"notice": notice.id, "of": notice.event.value}


def halted(error: Exception) -> Notice:
    """Return the notice that the daemon has ended by itself; a defect's text may hold values."""
    if not isinstance(error, CdcError):
        name = type(error).__name__
        return Notice(
            NoticeEvent.HALT, f"the daemon has ended: {name}", {"error": name, "exit_code": 1}
        )
    return Notice(
        NoticeEvent.HALT,
        f"the daemon has ended: {error.message}",
        {
            "error": type(error).__name__,
            "message": error.message,
            "remedy": error.remedy,
            "table": error.table,
            "position": None if error.position is None else str(error.position),
            "exit_code": error.exit_code,
        },
    )
