"""Waits for what a target that is away cannot tell yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from pymongo.errors import PyMongoError

from tests.support.waiting import eventually

NOTICED_WITHIN_SECONDS: Final = 600.0
"""Long, for a machine that does other things, too."""
T = TypeVar("T")


def until(
    condition: Callable[[], object], waiting_for: str, seconds: float = NOTICED_WITHIN_SECONDS
) -> None:
    """Wait until a condition holds; TimeoutError names what was waited for."""

    def holds() -> bool:
        try:
            return bool(condition())
        except PyMongoError:
            return False

    eventually(holds, seconds, waiting_for=waiting_for)


def persist(attempt: Callable[[], T], waiting_for: str) -> T:
    """Return what an attempt returns, once the target is there for it."""
    found: list[T] = []

    def attempted() -> bool:
        found.append(attempt())
        return True

    until(attempted, waiting_for)
    return found[0]
