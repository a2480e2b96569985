"""A session in a terminal is recorded as lines with their times."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from website.cast import LONGEST_WAIT_SECONDS, Act, Line, Screen, record, shown


def test_what_a_shell_shows_is_recorded(tmp_path: Path) -> None:
    acts = (Act("echo one >file"), Act("cat file"))

    lines, seconds = shown(record(acts, folder=tmp_path, environment=os.environ))

    assert [line.text for line in lines if line.ends is None] == [
        "$ echo one >file",
        "$ cat file",
        "one",
        "$ ",
    ]
    assert seconds > 0


def test_a_command_without_end_is_ended_behind_what_it_says(tmp_path: Path) -> None:
    acts = (Act("echo ready; cat", until="ready\r\n", seconds=0.1),)

    lines, _ = shown(record(acts, folder=tmp_path, environment=os.environ))

    _, said, *ended, prompt = (line.text for line in lines if line.ends is None)
    assert (said, {*ended}, prompt) == ("ready", {"^C"}, "$ ")


def test_a_line_that_is_written_over_has_its_time() -> None:
    lines, seconds = shown([(5.0, "a"), (5.5, "\r\x1b[2Kbc"), (6.0, "\r\nd")])

    assert lines == [
        Line(0, "a", 0.0, 0.5),
        Line(0, "bc", 0.5, None),
        Line(1, "d", 1.0, None),
    ]
    assert seconds == 1.0


def test_a_long_wait_is_shortened() -> None:
    lines, seconds = shown([(0.0, "a\r\n"), (60.0, "b")])

    assert lines[-1].begins == seconds == LONGEST_WAIT_SECONDS


def test_a_carriage_return_alone_writes_over_what_is_there() -> None:
    screen = Screen()

    screen.write("12345\rab")

    assert screen.lines == ["ab345"]


def test_what_a_terminal_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know"):
        Screen().write("\x1b[31mred")
