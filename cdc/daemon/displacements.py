"""Tells a stranger with our server id from an earlier owner of the stream, which goes by itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MOST: Final = 4
WITHIN_SECONDS: Final = 120.0
"""A stranger connects again each time that it is displaced itself: most do at once."""


class Displacements:
    """The latest times at which the source has ended our stream for another's.

    An earlier owner that comes back, as from a long pause, may read on before it learns from the
    target that it is fenced. The source takes the two for one, and ends the older connection.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._times = deque[float](maxlen=MOST)

    def is_passing(self) -> bool:
        """Note one more; return whether there were few lately."""
        now = self._clock()
        often = len(self._times) == MOST and now - self._times[0] < WITHIN_SECONDS
        self._times.append(now)
        return not often
