from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.terminal.output import coloured, in_a_line, say, say_escaped

COMMANDS = Path(__file__).parents[3] / "cdc" / "commands"
ORDERS = "\x1b]0;owned\x07\x9b2J\u202e\u2028\x7f\r"
NO_NAMES_OF_OTHERS = {"schema.py"}


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"table {ORDERS}\nnext")

    assert capsys.readouterr().out == (
        "table \\u001b]0;owned\\u0007\\u009b2J\\u202e\\u2028\\u007f\\u000d\nnext\n"
    )


def test_a_line_stays_one() -> None:
    assert in_a_line("a\nb\tc") == "a\\u000ab\\u0009c"


def test_what_people_write_stays_as_it_is() -> None:
    assert in_a_line("Ünïcödé 表 🐬 'q' \\x") == "Ünïcödé 表 🐬 'q' \\x"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same(text: str) -> None:
    printed = in_a_line(json.dumps({"a": text}, ensure_ascii=False))

    assert json.loads(printed) == {"a": text}


def test_every_command_prints_through_it() -> None:
    """A bare `click.echo` would print names of the source as they are."""
    bare = [
        path.name
        for path in COMMANDS.rglob("*.py")
        if path.name not in NO_NAMES_OF_OTHERS
        and re.search(r"click\.s?echo\(|\bprint\(", path.read_text())
    ]

    assert bare == []


def test_colours_are_for_terminals_that_want_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_escaped(coloured(f"odd{ORDERS}", "red"))
    on_a_terminal = coloured("odd\x1b[2J", "red")
    monkeypatch.setenv("NO_COLOR", "1")
    say_escaped(on_a_terminal)

    assert "\x1b" not in capsys.readouterr().out
    assert on_a_terminal == "\x1b[31modd\\u001b[2J\x1b[0m"
