"""Ranges and tails that become done while something else is at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pymongo.collection import Collection


@contextmanager
def finishing(
    documents: Collection[dict[str, Any]], tables: Sequence[str]
) -> Iterator[Future[None]]:
    """Have the tables' ranges and tails, one each, done one after the other meanwhile."""
    made = {"stream": "test", "state": "open"}
    tail = {**made, "is_tail": True, "cuts": 1, "total": 1}
    documents.insert_many([{"_id": f"abc {each}", "table": each, **tail} for each in tables])
    range_ = {**made, "rows": 1, "seconds": 0.0}
    documents.insert_many([{"_id": f"abc {each}/0", "table": each, **range_} for each in tables])

    def finish() -> None:
        for each in reversed(tables):
            for one in (f"abc {each}/0", f"abc {each}"):
                documents.update_one({"_id": one}, {"$set": {"state": "done"}})

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(finish)
