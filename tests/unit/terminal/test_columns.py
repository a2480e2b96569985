"""What lists things has headings, and its columns stand below them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.terminal.columns import aligned

COMMANDS = Path(__file__).parents[3] / "cdc" / "commands"
LISTS = [each for each in COMMANDS.glob("*.py") if '.command("list")' in each.read_text()]


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert [
        *aligned([("NAME", "KIND", "REST"), ("a", "rather long", "b"), ("abcdef", "", "")])
    ] == [
        "NAME    KIND         REST",
        "a       rather long  b",
        "abcdef",
    ]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_list_has_aligned_columns(path: Path) -> None:
    text = path.read_text()

    assert "aligned([_COLUMNS, " in text


def test_there_are_lists() -> None:
    assert {each.stem for each in LISTS} >= {"jobs", "dead_letters", "claims"}
