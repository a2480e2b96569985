"""Shows on a terminal what a command waits for, once that takes a moment."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Final, Self

import click

from cdc.terminal.output import in_a_line

SHOWN_AFTER_SECONDS: Final = 1.0


class WaitingLine:
    """A line of stderr with what is waited for; it goes when the wait is over.

    Only a terminal shows it.
    """

    def __init__(self, *, after_seconds: float = SHOWN_AFTER_SECONDS) -> None:
        """`after_seconds`: what takes less is not shown."""
        self._after_seconds = after_seconds
        self._is_terminal = sys.stderr.isatty()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def show(self, what: str) -> None:
        """Note what is waited for from now on, in place of what was before."""
        self._end()
        if self._is_terminal:
            self._timer = threading.Timer(self._after_seconds, self._write, [what])
            self._timer.daemon = True
            self._timer.start()

    def _write(self, what: str) -> None:
        with self._writing:
            if threading.current_thread() is self._timer:  # else it ended as it was due
                click.echo(f"waiting for {in_a_line(what)}", nl=False, err=True)
                self._is_shown = True

    def _end(self) -> None:
        with self._writing:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._is_shown:
                click.echo("\r\x1b[K", nl=False, err=True)
                self._is_shown = False
