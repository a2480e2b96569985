"""Threads that work side by side until they are told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable


class Threads:
    """One thread for each work, which looks at `stopping` itself."""

    def __init__(self, works: Iterable[Callable[[], None]], stopping: threading.Event) -> None:
        self._stopping = stopping
        self._threads = [threading.Thread(target=each, daemon=True) for each in works]

    def begin(self) -> None:
        """Start them."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """End them, each behind what it does now; those that never began do not."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
