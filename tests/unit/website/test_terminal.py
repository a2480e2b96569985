"""The shell that types the pages' commands notices what a page says wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.support.terminal import Terminal
from tests.support.pages import Block


def block(text: str, language: str = "console", title: str = "") -> Block:
    return Block(page="a-page.md", line=1, language=language, title=title, text=text)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, os.environ, {"one.txt": "two\n"}, deadline_seconds=0)
    yield terminal
    terminal.close()


def test_files_are_saved_and_what_appears_is_compared(terminal: Terminal) -> None:
    terminal.play([block("one\n", "text", "one.txt"), block("$ cat one.txt\none\ntwo\n")])


def test_a_command_that_fails_is_noticed(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match=r"a-page\.md: false exits 1"):
        terminal.play([block("$ false\n")])


@pytest.mark.parametrize("shown", ["one\nthree\n", "two\none\n"])
def test_a_line_that_does_not_appear_there_is_noticed(terminal: Terminal, shown: str) -> None:
    with pytest.raises(AssertionError, match=r"printf .* shows:"):
        terminal.play([block(f"$ printf 'one\\ntwo\\n'\n{shown}")])


def test_a_console_with_a_title_is_left_out(terminal: Terminal) -> None:
    terminal.play([block("$ false\n", title="with a cluster")])


def test_the_reader_s_own_values_stand_for_the_page_s(terminal: Terminal) -> None:
    terminal.values = {"PORT": "4711"}

    terminal.play([block("$ export PORT=1 OTHER=two\n$ echo $PORT $OTHER\n4711 two\n")])


def test_sql_without_a_title_is_for_the_source(terminal: Terminal) -> None:
    seen: list[str] = []
    terminal.sql = seen.append

    terminal.play([block("SELECT 1;\nSELECT 2;\n", "sql")])

    assert [each.strip(" ;\n") for each in seen] == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize(
    ("shown", "printed", "is_right"),
    [
        ("verify t: 3 rows compared, 1 missing", "verify t: 4 rows compared, 1 missing", False),
        ("verify t: 4 rows compared, 1 missing", "verify t: 4 rows compared, 2 missing", False),
        ("behind 12 transactions", "behind 1 transaction", False),
        ("mysql 9.7.4-2 (pid 30137)", "mysql 9.8.0-1 (pid 7)", True),
        ("lag 0 s, 0.5 transactions/s", "lag 1.25 s, 0 transactions/s", True),
    ],
)
def test_counts_are_compared_and_other_numbers_are_not(
    terminal: Terminal, shown: str, printed: str, *, is_right: bool
) -> None:
    terminal.type(f"cdc() {{ echo '{printed}'; }}")
    page = [block(f"$ cdc status\n{shown}\n")]

    if is_right:
        terminal.play(page)
    else:
        with pytest.raises(AssertionError, match="cdc status shows"):
            terminal.play(page)
