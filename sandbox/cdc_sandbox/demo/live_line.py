"""One line of progress, rewritten in place on a terminal."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

_PLAIN_SECONDS = 5.0
_TERMINAL_SECONDS = 0.2


class LiveLine:
    """Writes at most one line a fifth of a second on a terminal, one every 5 seconds elsewhere."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the stream to write to."""
        self._stream = stream
        self._clock = clock
        self._in_place = stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._in_place else _PLAIN_SECONDS
        self._due = float("-inf")
        self._open = False

    def show(self, text: str) -> None:
        """Show the text if it is time for it."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + self._interval
        if self._in_place:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{text[:width]}")
            self._open = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the last text standing and go to a new line."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False
