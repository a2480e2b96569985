"""Since when a side is being tried again, and what it last said."""

from __future__ import annotations

import time
from collections.abc import Callable

from cdc.snapshot import Trouble


class Retrying:
    """One thread tells how its attempts go; others ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._failed: tuple[str, float] | None = None

    def failed(self, error: str) -> None:
        """Learn of a failed attempt."""
        since = self._failed[1] if self._failed else self._clock()
        self._failed = (error, since)

    def succeeded(self) -> None:
        """Learn that all is well."""
        self._failed = None

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong; None where nothing is."""
        failed = self._failed
        return Trouble(failed[0], self._clock() - failed[1]) if failed else None
