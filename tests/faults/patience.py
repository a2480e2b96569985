"""Waits for what a target that is away cannot tell yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from pymongo.errors import PyMongoError

from tests.end_to_end.support.stream import LEDGER_NAME, Stream
from tests.support.waiting import eventually

STANDSTILL_SECONDS: Final = 240.0
"""So long may nothing be seen to move: a link may be silent for a minute, and a machine slow."""
ARRIVED_WITHIN_SECONDS: Final = 1_800.0
"""So long may a stream move and not arrive: on a machine that does other things, too."""
ANSWERED_WITHIN_SECONDS: Final = 600.0
"""So long may a target be away."""
T = TypeVar("T")


class Movement:
    """Whether what is looked at moves."""

    def __init__(
        self, look: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._clock = clock
        self._seen: object = None
        self._moved_at = clock()

    def stands_still(self) -> bool:
        """Look again; return whether nothing has moved for long. A target may be away."""
        with suppress(PyMongoError):
            if (seen := self._look()) != self._seen:
                self._seen, self._moved_at = seen, self._clock()
        return self._clock() - self._moved_at > STANDSTILL_SECONDS


def progress(stream: Stream) -> object:
    """Return what a stream has applied, what it owes, and how far its jobs are.

    Its checkpoint would not tell: a stream at rest saves positions, too, and one whose daemons die
    again and again has new owners.
    """
    state = stream.state
    return (
        state[LEDGER_NAME].count_documents({}),
        state["streams"].find_one({"_id": stream.name}, {"inflight": 1}),
        state["debts"].count_documents({}),
        list(state["jobs"].find({}, {"state": 1, "progress": 1}).sort("_id")),
    )


def until(condition: Callable[[], object], waiting_for: str, stream: Stream) -> None:
    """Wait until a condition holds; TimeoutError says that the stream stands still, or is late."""
    movement = Movement(lambda: progress(stream))

    def holds() -> bool:
        with suppress(PyMongoError):
            if condition():
                return True
        if movement.stands_still():
            raise TimeoutError(
                f"{waiting_for}: nothing has moved for {STANDSTILL_SECONDS:g} seconds"
            )
        return False

    eventually(holds, ARRIVED_WITHIN_SECONDS, waiting_for=waiting_for)


def persist(attempt: Callable[[], T], waiting_for: str) -> T:
    """Return what an attempt returns, once the target is there for it."""
    found: list[T] = []

    def attempted() -> bool:
        with suppress(PyMongoError):
            found.append(attempt())
        return bool(found)

    eventually(attempted, ANSWERED_WITHIN_SECONDS, waiting_for=waiting_for)
    return found[0]
