"""Runs the command that prints a password."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cdc.errors import Retryable, UsageError

KEY: Final = "source.password_command"

ANSWER_SECONDS: Final = 15.0
"""The limit for the command: a cloud's own takes some seconds."""

LINE_LENGTH: Final = 200
"""The most that is told of what the command said."""

TRACEBACK: Final = "Traceback (most recent call last):"


def located(command: Sequence[str], directory: Path) -> tuple[str, ...]:
    """Return the command with its program's path; raises ValueError if there is no such program.

    A relative path begins at `directory`; a name alone is looked up in PATH when it is run.
    """
    program = command[0]
    path = str(Path(directory, program).absolute()) if "/" in program else program
    if not program or shutil.which(path) is None:
        raise ValueError(f"there is no program {program} that this user may run")
    return (path, *command[1:])


def ask(command: Sequence[str], about: Mapping[str, str]) -> str:
    """Run the command without a shell, and return what it prints, without its last newline.

    In its arguments `{name}` stands for each value that it is told `about`. Raises Retryable if it
    gives no password, UsageError if it cannot be run. Nothing that it prints is in the error.
    """
    arguments = [command[0], *(_filled(each, about) for each in command[1:])]
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(
            f"{KEY} ({command[0]}) cannot be run: {error.strerror}",
            remedy="name a program that this user may run",
        ) from error
    with process:
        try:
            out, err = process.communicate(timeout=ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            what = f"did not end within {ANSWER_SECONDS:g} seconds"
            raise _without(command, what) from None
        except BaseException:
            _end(process)
            raise
    return _password(command, process.returncode, _text(out), _text(err))


def _filled(argument: str, about: Mapping[str, str]) -> str:
    for name, value in about.items():
        argument = argument.replace(f"{{{name}}}", value)
    return argument


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command, and what it has started: either may hold its output open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _password(command: Sequence[str], code: int, out: str, err: str) -> str:
    password = out.removesuffix("\n").removesuffix("\r")
    if code:
        ended = f"failed with exit status {code}" if code > 0 else f"was ended by signal {-code}"
        raise _without(command, f"{ended}: {_said(err, password)}")
    if not password:
        raise _without(command, f"printed no password: {_said(err, password)}")
    if "\n" in password:
        raise _without(command, "printed more than one line")
    return password


def _said(err: str, password: str) -> str:
    """Return the first line of what the command said, without what it printed as the password.

    Of a Python program's traceback it is the last one, which names the error.
    """
    lines = [*filter(None, map(str.strip, err.splitlines()))] or ["it said nothing"]
    line = lines[-1 if lines[0] == TRACEBACK else 0]
    for secret in filter(None, map(str.strip, [password, *password.splitlines()])):
        line = line.replace(secret, "…")
    return line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]}…"


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")


def _without(command: Sequence[str], what: str) -> Retryable:
    return Retryable(
        f"{KEY} ({command[0]}) {what}",
        remedy="run it by hand, as the user of cdc and with its environment, and mend it",
    )
