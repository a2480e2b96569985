"""Frees what an error that was dealt with still holds.

A driver that keeps an error in a variable of a frame which the error's traceback names makes a
cycle: every local of every frame that it came through, a batch of megabytes among them, then
lives until the collector looks. The daemon has it look seldom: loops that try again let go first.
"""

from __future__ import annotations

import traceback


def let_go(error: BaseException) -> None:
    """Clear the frames of an error, and of those that it came from, and forget them.

    Forgetting matters too: a frame that was cleared keeps its function, and that its closure.
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
