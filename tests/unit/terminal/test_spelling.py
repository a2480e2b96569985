from __future__ import annotations

from pathlib import Path

import pytest

from cdc.terminal.spelling import Spelling


def spelled(text: str, path: str = "/etc/cdc/cdc.yaml") -> str:
    spelling = Spelling()
    spelling.config_path = Path(path)
    return spelling(text)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("run: cdc check", "run: cdc check --config /etc/cdc/cdc.yaml"),
        ("cdc resync a.b", "cdc resync --config /etc/cdc/cdc.yaml a.b"),
        (
            "`cdc position set --start now`; cdc jobs cancel 7",
            "`cdc position set --config /etc/cdc/cdc.yaml --start now`;"
            " cdc jobs cancel --config /etc/cdc/cdc.yaml 7",
        ),
        ("cdc check --config other.yaml", "cdc check --config other.yaml"),
        ("cdc itself is wrong", "cdc itself is wrong"),
        ("cdc servers down", "cdc servers down"),
    ],
)
def test_commands_name_the_file_that_was_typed(text: str, typed: str) -> None:
    assert spelled(text) == typed


def test_a_file_s_name_is_quoted_for_a_shell() -> None:
    assert spelled("cdc check", "my files/cdc.yaml") == "cdc check --config 'my files/cdc.yaml'"


def test_with_the_default_file_commands_are_left_as_they_are() -> None:
    assert Spelling()("cdc check") == "cdc check"
