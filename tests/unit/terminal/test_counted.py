"""One is one row, and not one rows: wherever a command prints how many."""

from __future__ import annotations

import re

import pytest

from cdc.terminal.counted import counted
from tests.support.checkout import ROOT

THINGS = "rows|documents|transactions|tables|jobs|differences"
PLURAL = re.compile(rf"(?<!:,)\}} (?:{THINGS})\b(?!/s)")
"""A number, filled in, before a plural that stays one; `:,` is of what is thousands."""
PRINTING = ("commands", "job_client", "observability", "preflight", "chunks")


@pytest.mark.parametrize(("number", "told"), [(0, "0 rows"), (1, "1 row"), (1000, "1000 rows")])
def test_one_is_singular(number: int, told: str) -> None:
    assert counted(number, "row") == told


def test_of_an_estimate_the_estimate_decides() -> None:
    assert counted(1, "row", of=5) == "1 of about 5 rows"
    assert counted(0, "row", of=1) == "0 of about 1 row"


def test_a_plural_may_be_another_word() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"


def test_what_is_printed_is_counted() -> None:
    sources = [path for part in PRINTING for path in (ROOT / "cdc" / part).rglob("*.py")]
    always = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PLURAL.search(line)
    ]

    assert always == []
