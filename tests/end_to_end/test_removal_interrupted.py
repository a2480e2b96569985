"""`cdc stream remove`, killed or frozen after each of its writes.

The argument is in docs/architecture.md, "A stream that is removed".
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.end_to_end.support import dying
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.nursery import Child, nursery
from tests.end_to_end.support.removals import Streams, copied, set_up, trace
from tests.end_to_end.support.saved import Saved
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

WITHIN_SECONDS = 60
MOST_WRITES = 60
OWN = {1: {"owner": 1, "person": {"_id": 1, "word": "p"}}}


@pytest.fixture
def streams(two_streams: Streams) -> Streams:
    """As in `set_up`, and both have ended."""
    set_up(two_streams)
    for each in two_streams:
        each.stop()
    return two_streams


def removal(stream: Stream, *, after: str, documents: bool, held: str = "60") -> tuple[Child, Path]:
    """Begin to remove a stream; what it says goes to the file."""
    log = stream.config.with_name(f"removal-{after.replace(':', '-')}.log")
    words = ["stream", "remove", stream.name, "--yes", *(["--documents"] if documents else [])]
    environment = {dying.AFTER: after, dying.HELD: held}
    return nursery().start(
        [*words, "--config", str(stream.config)],
        log=log,
        environment=environment,
        program=dying.__name__,
    ), log


def killed_after_each(first: Stream, saved: Saved) -> Iterator[int]:
    """Put everything back and kill a removal, after one write more each time; until it is done."""
    for number in count(1):
        assert number < MOST_WRITES
        saved.put_back()
        child, log = removal(first, after=f"{number}:SIGKILL", documents=True)
        if child.wait(WITHIN_SECONDS) == 0:
            assert number > 10, "it dies nowhere"
            return
        assert child.returncode == -signal.SIGKILL, log.read_text()
        yield number


@pytest.mark.slow
def test_it_is_typed_again_wherever_it_was_killed(streams: Streams) -> None:
    first, second = streams
    saved = Saved([first.state, first.database])
    whole = trace(second)

    for number in killed_after_each(first, saved):
        again = cdc(second, "stream", "remove", first.name, "--yes", "--documents")
        nothing_left = again.returncode == 2 and "knows no stream" in again.stderr

        assert again.returncode == 0 or nothing_left, (number, again.stderr)
        assert trace(first) == {}, number
        assert trace(second) == whole, number
        assert {*second.documents("shared")} == {(second.name, 1)}, number
        assert [*first.documents("own")] == [], number


@pytest.mark.slow
def test_a_daemon_that_is_started_instead_makes_it_whole_again(
    streams: Streams,
) -> None:
    first, second = streams
    saved = Saved([first.state, first.database])
    whole = trace(second)

    for number in killed_after_each(first, saved):
        first.start(ledger=False)

        eventually(partial(is_whole, first, second), waiting_for=f"all, killed after {number}")
        first.until_caught_up()
        first.stop()
        assert is_whole(first, second), number
        assert trace(second) == whole, number


@pytest.mark.slow
def test_one_that_was_frozen_takes_nothing_from_a_daemon_that_has_started(
    streams: Streams,
) -> None:
    first, second = streams
    saved = Saved([first.state, first.database])
    stopped_at = 0
    for number in count(1):
        saved.put_back()
        first.state["streams"].update_one({"_id": first.name}, {"$set": {"lease_until": None}})
        child, log = removal(first, after=f"{number}:SIGSTOP", documents=False, held="1")
        eventually(partial(_stopped_or_ended, child), waiting_for="the removal to be frozen")
        if child.returncode == 0:
            break
        if first.state_document() is None:  # it had done all: nothing is taken from anybody
            child.send_signal(signal.SIGCONT)
            assert child.wait(WITHIN_SECONDS) == 0
            continue
        stopped_at = number
        first.start(ledger=False)
        first.until_streaming()
        eventually(partial(is_whole, first, second), waiting_for=f"all, frozen after {number}")
        eventually(partial(copied, first), waiting_for=f"the copies, frozen after {number}")
        before = trace(first)

        child.send_signal(signal.SIGCONT)

        assert child.wait(WITHIN_SECONDS) == 1, log.read_text()
        assert "was taken over meanwhile" in log.read_text()
        first.until_caught_up()
        first.stop()
        assert trace(first) == before
        assert is_whole(first, second)
    assert stopped_at > 5


def is_whole(first: Stream, second: Stream) -> bool:
    """Whether the first has all its documents, and the second its own."""
    shared = {*first.documents("shared")} == {(first.name, 1), (second.name, 1)}
    return shared and first.documents("own") == OWN


def _stopped_or_ended(child: Child) -> bool:
    if child.returncode is not None:
        return True
    state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"
