"""What an operator types into a terminal, as it was printed."""

from __future__ import annotations

import os
import pty
import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.support.nursery import nursery

ENDS_WITHIN_SECONDS = 120

_COMMAND = re.compile(r"\bcdc [a-z]")
_STATEMENT = re.compile(
    r"\b(?:SET (?:GLOBAL|PERSIST)|GRANT|ALTER TABLE|CREATE TABLE|XA (?:COMMIT|ROLLBACK)|FLUSH)\b"
)


def commands(remedy: str) -> list[str]:
    """The commands and the statements in a remedy, in order: each ends at a semicolon, or there.

    What follows on where to read more is no part of them.
    """
    found = []
    for clause in remedy.partition("\n  more: ")[0].split(";"):
        begin = _COMMAND.search(clause) or _STATEMENT.search(clause)
        if begin:
            found.append(clause[begin.start() :].strip())
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def typed(command: str, *, answer: str = "y") -> Done:
    """Type a command of cdc, and `answer` where it asks."""
    program, *arguments = shlex.split(command)
    assert program == "cdc", command
    terminal, end = pty.openpty()
    try:
        os.write(terminal, f"{answer}\n".encode())
        with tempfile.TemporaryDirectory() as folder:
            output, log = Path(folder, "output"), Path(folder, "log")
            process = nursery().start(
                arguments, log=log, environment={}, output=output, terminal=os.ttyname(end)
            )
            code = process.wait(ENDS_WITHIN_SECONDS)
            return Done(code, output.read_text(), log.read_text())
    finally:
        os.close(terminal)
        os.close(end)
