"""First copies by several workers, and waiting for them."""

from __future__ import annotations

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

CHUNK_ROWS = 10
COPIED_WITHIN_SECONDS = 300
"""Long: each worker is a process that imports everything, for half a minute on a busy machine."""


def ranges(stream: Stream) -> list[dict[str, object]]:
    return list(stream.state["ranges"].find({"is_tail": {"$exists": False}}))


def begins(stream: Stream) -> bool:
    """Whether the first copy is done, and the stream has its position."""
    stream.daemon.check_alive(waiting_for="the first copy")
    state = stream.state_document()
    return bool(state and state["position"] and "copying" not in state)


def until_begun(stream: Stream) -> None:
    eventually(lambda: begins(stream), COPIED_WITHIN_SECONDS, waiting_for="the first copy")


def until_ranges(stream: Stream, count: int = 1) -> None:
    """Wait until some ranges have been copied in part."""

    def some() -> bool:
        stream.daemon.check_alive(waiting_for="ranges")
        return stream.state["ranges"].count_documents({"rows": {"$gt": 0}}) >= count

    eventually(some, COPIED_WITHIN_SECONDS, waiting_for="ranges")


def slow(stream: Stream, rows_per_second: int) -> None:
    stream.settings["chunks"]["rows_per_second"] = rows_per_second
