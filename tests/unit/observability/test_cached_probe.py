from __future__ import annotations

import threading

from cdc.errors import Retryable
from cdc.model.position import GtidPosition, GtidSet
from cdc.observability.cached_probe import LOOK_AGAIN_SECONDS, CachedProbe
from cdc.readers.server.status import SourceStatus
from tests.support.waiting import eventually

SEEN = SourceStatus(GtidPosition(GtidSet({})), {}, 0.0)


class Source:
    """What is looked at; `answers` is cleared while it is silent."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.refuses = False
        self.asked = 0
        self.now = 0.0

    def look(self) -> SourceStatus:
        self.asked += 1
        assert self.answers.wait(30)
        if self.refuses:
            raise Retryable
        return SEEN


def looks_at(source: Source) -> CachedProbe[SourceStatus]:
    return CachedProbe(source.look, clock=lambda: source.now)


def test_a_look_holds_for_a_while() -> None:
    source = Source()
    looks = looks_at(source)

    assert [looks.latest(), looks.latest()] == [SEEN, SEEN]
    assert source.asked == 1
    source.now = LOOK_AGAIN_SECONDS + 1
    assert looks.latest() == SEEN
    assert source.asked == 2


def test_a_source_that_is_silent_is_not_waited_for_and_asked_once() -> None:
    """About 4 seconds."""
    source = Source()
    looks = looks_at(source)
    looks.latest()
    source.now = LOOK_AGAIN_SECONDS + 1
    source.answers.clear()

    assert [looks.latest(), looks.latest()] == [None, None]

    assert source.asked == 2
    source.answers.set()
    eventually(lambda: looks.latest() == SEEN)


def test_a_source_that_refuses_is_left_alone_for_as_long() -> None:
    source = Source()
    source.refuses = True
    looks = looks_at(source)

    assert [looks.latest(), looks.latest()] == [None, None]
    assert source.asked == 1


def test_what_is_kept_is_told_while_the_next_look_is_late_or_fails() -> None:
    """About 2 seconds."""
    source = Source()
    looks = CachedProbe(source.look, clock=lambda: source.now, keeps=True)
    looks.latest()
    source.now = LOOK_AGAIN_SECONDS + 1
    source.answers.clear()

    assert looks.latest() == SEEN

    source.refuses = True
    source.answers.set()
    eventually(lambda: source.asked == 2)
    source.now = 2 * (LOOK_AGAIN_SECONDS + 1)
    assert looks.latest() == SEEN
