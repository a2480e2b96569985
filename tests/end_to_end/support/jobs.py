"""The jobs of a stream, and waiting for them."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually


def jobs(stream: Stream, state: str) -> list[dict[str, Any]]:
    return list(stream.state["jobs"].find({"state": state}))


def until_copied(stream: Stream, count: int = 1) -> None:
    def copied() -> bool:
        stream.daemon.check_alive(waiting_for="the jobs to end")
        assert not jobs(stream, "failed"), jobs(stream, "failed")
        return len(jobs(stream, "done")) >= count

    eventually(copied, waiting_for="the jobs to end")
