"""Types what a page of the documentation tells its reader to type, and sees what the page shows.

A block with a title is a file that the reader saves; SQL without one is for the source. In a
`console` each line behind `$ ` is typed, and the lines below it are some of those that appear, in
order. A `console` with a title stands elsewhere, and is left out. What only looks is typed again
until it shows that much, as a reader would, since the daemon works beside it. What cdc prints is
compared without passwords, and without numbers but for counts: each run has others.
"""

from __future__ import annotations

import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.support.pages import Block
from tests.support.waiting import DEADLINE_SECONDS, eventually

COUNTED = "rows?|transactions?|missing|extra|different|repaired"
VARYING = re.compile(rf"(?<=:)\w+(?=@)|\d[\d.-]*+(?! (?:{COUNTED})\b(?!/))")
"""A password in an address; a number, a version, an address or a time, but no count."""
CHANGING = ("cdc mapping init", "cdc position set", "cdc stream remove", "cdc servers")
ASSIGNED = re.compile(r"\b([A-Z_]+)=('[^']*'|\S+)")


LONGEST_SECONDS = 600.0


class Terminal:
    """A shell in a folder; `values` are what the reader has in the place of the page's own."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        additions: Mapping[str, str],
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._folder = folder
        self._additions = additions
        self._deadline_seconds = deadline_seconds
        self.values: dict[str, str] = {}
        self.sql: Callable[[str], object] | None = None
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def play(self, blocks: Iterable[Block]) -> None:
        """Do all that a page tells."""
        for block in blocks:
            if block.language != "console":
                self._put(block)
            elif not block.title:
                for command, shown in _commands(block.text):
                    self._see(block, command, shown)

    def close(self) -> None:
        """End the shell and what it has started."""
        ended = "for each in $(seq 300); do jobs -r | grep -q . || break; sleep 0.1; done"
        self.type(f"kill $(jobs -p) 2>/dev/null; {ended}; kill -9 $(jobs -p) 2>/dev/null; wait")
        self._shell.communicate(timeout=60)

    def type(self, command: str) -> tuple[int, str]:
        """Run one command; return its exit code and what it has printed.

        The shell ends, and this raises EOFError, if the command takes longer than any may.
        """
        overdue = threading.Timer(LONGEST_SECONDS, self._shell.kill)
        overdue.start()
        try:
            return self._typed(command)
        finally:
            overdue.cancel()

    def _typed(self, command: str) -> tuple[int, str]:
        mark = uuid.uuid4().hex
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{command}\ncode=$?; echo; echo {mark} $code\n")
        stdin.flush()
        lines: list[str] = []
        for line in stdout:
            if line.startswith(mark):
                return int(line.split()[1]), "".join(lines)
            lines.append(line)
        raise EOFError(f"the shell has ended at {command!r}: {''.join(lines)}")

    def _put(self, block: Block) -> None:
        if block.language == "sql" and not block.title:
            assert self.sql is not None
            for statement in block.text.split(";\n"):
                if statement.strip():
                    self.sql(statement)
        elif block.title:
            path = self._folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + self._additions.get(block.title, ""))

    def _see(self, block: Block, command: str, shown: list[str]) -> None:
        typed = ASSIGNED.sub(self._own, command) if command.startswith("export ") else command
        wanted = [_comparable(line, command) for line in shown]

        def appears() -> bool:
            code, output = self.type(typed)
            found = [_comparable(line, command) for line in output.splitlines()]
            assert code == 0, f"{block.page}: {command} exits {code}:\n{output}"
            assert _in_order(wanted, found), f"{block.page}: {command} shows:\n{output}"
            return True

        if shown and not command.startswith(CHANGING):
            eventually(appears, self._deadline_seconds)
        else:
            appears()

    def _own(self, assigned: re.Match[str]) -> str:
        name = assigned[1]
        return f"{name}='{self.values[name]}'" if name in self.values else assigned[0]


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console, and the lines that the page shows below it."""
    command, shown = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line.removeprefix("$ "), []
        else:
            shown.append(line)
    yield command, shown


def _comparable(line: str, command: str) -> str:
    squeezed = " ".join(line.split())
    return VARYING.sub("0", squeezed) if command.startswith("cdc ") else squeezed


def _in_order(wanted: list[str], found: list[str]) -> bool:
    """Return whether all wanted lines are among those found, in their order."""
    rest = iter(found)
    return all(any(line == each for each in rest) for line in wanted)
