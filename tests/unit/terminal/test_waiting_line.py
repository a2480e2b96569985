from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from cdc.terminal.waiting import WaitingLine
from tests.support.waiting import eventually

GONE = "\r\x1b[K"


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def until(terminal: Terminal, text: str) -> None:
    eventually(lambda: text in terminal.getvalue(), waiting_for=text)


def test_a_wait_is_told_and_gone_when_it_is_over() -> None:
    terminal = Terminal()

    with redirect_stderr(terminal), WaitingLine(after_seconds=0) as line:
        line.show("the source db:3306")
        until(terminal, "db:3306")
        line.show("the target")
        until(terminal, "target")

    assert terminal.getvalue() == (
        f"waiting for the source db:3306{GONE}waiting for the target{GONE}"
    )


def test_a_wait_that_takes_no_time_is_not_told() -> None:
    terminal = Terminal()

    with redirect_stderr(terminal), WaitingLine(after_seconds=60) as line:
        line.show("the source")
        line.show("the target")

    assert terminal.getvalue() == ""


def test_a_wait_that_fails_leaves_no_line() -> None:
    terminal = Terminal()

    def fail() -> None:
        with WaitingLine(after_seconds=0) as line:
            line.show("the source\x1b[2J")
            until(terminal, "source")
            raise ValueError("away")

    with redirect_stderr(terminal), pytest.raises(ValueError, match="away"):
        fail()

    assert terminal.getvalue() == f"waiting for the source\\u001b[2J{GONE}"


def test_a_file_holds_no_such_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with WaitingLine(after_seconds=0) as line:
        line.show("the source")
        time.sleep(0.05)  # in which a terminal would have shown it

    assert capsys.readouterr().err == ""
