from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_SECONDS = 120.0
"""Long, for a machine that others use too: only a test that fails waits for it."""
_POLL_SECONDS = 0.02
_POLL_SHARE = 0.1
"""Of the time that was waited already: what takes long is asked for less often."""
_MOST_POLL_SECONDS = 0.25
Result = TypeVar("Result")


def eventually(
    condition: Callable[[], Result],
    timeout_seconds: float = DEADLINE_SECONDS,
    *,
    waiting_for: str = "",
) -> Result:
    """Poll until `condition` returns something true, and return that.

    An AssertionError of the condition counts as "not yet"; at the deadline it is raised.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        late = waited > timeout_seconds
        try:
            if result := condition():
                return result
            if late:
                what = waiting_for or getattr(condition, "__name__", "the condition")
                raise TimeoutError(f"{what}: still {result!r} after {timeout_seconds:g} s")
        except AssertionError:
            if late:
                raise
        time.sleep(min(max(_POLL_SECONDS, waited * _POLL_SHARE), _MOST_POLL_SECONDS))
