"""What an operator types into a terminal, as it was printed."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys

ENDS_WITHIN_SECONDS = 120

_COMMAND = re.compile(r"\bcdc [a-z]")
_STATEMENT = re.compile(
    r"\b(?:SET (?:GLOBAL|PERSIST)|GRANT|ALTER TABLE|CREATE TABLE|XA (?:COMMIT|ROLLBACK)|FLUSH)\b"
)


def commands(remedy: str) -> list[str]:
    """The commands and the statements in a remedy, in order: each ends at a semicolon, or there."""
    found = []
    for clause in remedy.split(";"):
        begin = _COMMAND.search(clause) or _STATEMENT.search(clause)
        if begin:
            found.append(clause[begin.start() :].strip())
    return found


def typed(command: str, *, answer: str = "y") -> subprocess.CompletedProcess[str]:
    """Type a command of cdc, and `answer` where it asks."""
    program, *arguments = shlex.split(command)
    assert program == "cdc", command
    terminal, end = pty.openpty()
    try:
        os.write(terminal, f"{answer}\n".encode())
        return subprocess.run(
            [sys.executable, "-m", "cdc", *arguments],
            stdin=end,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_SECONDS,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(end)
