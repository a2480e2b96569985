"""Records a shell session in a terminal: what the screen shows, from when to when."""

from __future__ import annotations

import math
import os
import pty
import re
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SHELL = ("bash", "--norc", "--noprofile", "--noediting", "-i")
PROMPT = "$ "
KEY_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.2
"""A longer wait is shown as this long."""
DEADLINE_SECONDS = 180.0
END_SECONDS = 5.0
_CONTROL = re.compile(r"(\r\n|\r|\x1b\[2K)")


@dataclass(frozen=True, slots=True)
class Act:
    """A command to type; one that goes on without end gets Ctrl-C some time behind what it says."""

    command: str
    until: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the screen as it is from one moment, in seconds, to another; `None`: to the end."""

    row: int
    text: str
    begins: float
    ends: float | None


@dataclass(slots=True)
class Screen:
    """What a terminal shows that knows lines, carriage returns, and the clearing of a line."""

    lines: list[str] = field(default_factory=lambda: [""])
    _column: int = 0

    def write(self, text: str) -> None:
        """Show more output."""
        for part in _CONTROL.split(text):
            match part:
                case "\r\n":
                    self.lines.append("")
                    self._column = 0
                case "\r":
                    self._column = 0
                case "\x1b[2K":
                    self.lines[-1] = ""
                case _:
                    self._put(part)

    def _put(self, text: str) -> None:
        if not text.isprintable():
            raise ValueError(f"a terminal of this kind does not know {text!r}")
        line, end = self.lines[-1], self._column + len(text)
        self.lines[-1] = line[: self._column].ljust(self._column) + text + line[end:]
        self._column = end


def record(
    acts: Sequence[Act], *, folder: Path, environment: Mapping[str, str]
) -> list[tuple[float, str]]:
    """Type commands into a shell; return what appeared, each with its moment in seconds."""
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by what is started in the background
        os.chdir(folder)
        os.execvpe(SHELL[0], SHELL, {**environment, "PS1": PROMPT, "TERM": "xterm"})
    try:
        return list(_played(acts, terminal))
    finally:
        os.kill(process, signal.SIGHUP)
        os.waitpid(process, 0)
        os.close(terminal)


def _played(acts: Sequence[Act], terminal: int) -> Iterator[tuple[float, str]]:
    yield from _until(PROMPT, terminal)
    for act in acts:
        for key in act.command:
            os.write(terminal, key.encode())
            yield from _for(KEY_SECONDS, terminal)
        os.write(terminal, b"\n")
        if act.until:
            yield from _until(act.until, terminal)
            yield from _for(act.seconds, terminal)
            yield from _until(f"\n{PROMPT}", terminal, end=b"\x03")
        else:
            yield from _until(f"\n{PROMPT}", terminal)


def _until(text: str, terminal: int, *, end: bytes = b"") -> Iterator[tuple[float, str]]:
    """Yield what appears, up to where it has this text in it; a prompt stands at its end.

    `end` is typed at once, and again where it is without effect: a shell that is just starting a
    program hears no Ctrl-C.
    """
    deadline, typed_at, seen = time.monotonic() + DEADLINE_SECONDS, -math.inf, ""
    while not (seen.endswith(text) if text.endswith(PROMPT) else text in seen):
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"{text!r} did not appear behind {seen[-200:]!r}")
        if end and now - typed_at > END_SECONDS:
            os.write(terminal, end)
            typed_at = now
        for moment, output in _for(0.02, terminal):
            seen += output
            yield moment, output


def _for(seconds: float, terminal: int) -> Iterator[tuple[float, str]]:
    """Yield what appears within this time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            yield time.monotonic(), os.read(terminal, 65_536).decode()


def shown(outputs: Sequence[tuple[float, str]]) -> tuple[list[Line], float]:
    """Return each line that a screen shows of it, and how long it all takes; from 0 seconds on."""
    screen, now, before = Screen(), 0.0, outputs[0][0]
    open_lines: dict[int, tuple[str, float]] = {}
    found = list[Line]()
    for moment, text in outputs:
        now += min(moment - before, LONGEST_WAIT_SECONDS)
        before = moment
        screen.write(text)
        for row, line in enumerate(screen.lines):
            told, begins = open_lines.get(row, ("", now))
            if line != told:
                if told:
                    found.append(Line(row, told, begins, now))
                open_lines[row] = (line, now)
    last = [Line(row, text, begins, None) for row, (text, begins) in open_lines.items() if text]
    return sorted([*found, *last], key=lambda each: (each.row, each.begins)), now
