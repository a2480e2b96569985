"""Waiting for a stream to be through with everything that documents follow from."""

from __future__ import annotations

from tests.end_to_end.support.jobs import jobs
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually


def settled(stream: Stream) -> None:
    """Wait until every table is copied, what was committed is applied, and nothing is owed."""
    eventually(lambda: is_copied(stream), waiting_for="the copies")
    stream.until_caught_up()
    eventually(lambda: owes_nothing(stream), waiting_for="the debts to be paid")


def is_copied(stream: Stream) -> bool:
    stream.daemon.check_alive(waiting_for="the copies")
    assert not jobs(stream, "failed"), jobs(stream, "failed")
    waiting = [*jobs(stream, "queued"), *jobs(stream, "running")]
    return not [each for each in waiting if each["kind"] == "backfill"]


def owes_nothing(stream: Stream) -> bool:
    stream.daemon.check_alive(waiting_for="the debts to be paid")
    return not stream.state["debts"].count_documents({})
