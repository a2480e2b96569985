"""docs/reference/errors.md has each class of errors, with its exit code."""

from __future__ import annotations

import re

import pytest

from cdc import errors
from tests.support.checkout import ROOT

TEXT = (ROOT / "docs" / "reference" / "errors.md").read_text()
CLASSES = {
    name: each
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, errors.CdcError)
}


def test_each_class_has_its_section_and_no_other_has_one() -> None:
    assert sorted(re.findall(r"^## (\w+)$", TEXT, re.MULTILINE)) == sorted(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_section_says_something_and_asks_for_its_messages(name: str) -> None:
    section = re.split(r"^## ", TEXT.partition(f"\n## {name}\n")[2], flags=re.MULTILINE)[0]

    prose, mark, rest = section.partition(f"<!-- generated: messages {name} -->")
    assert len(prose.split()) > 5
    assert mark
    assert not rest.strip()


def test_the_table_has_each_class_with_its_exit_code() -> None:
    rows = re.findall(r"^\| (\d) \| (.*) \|$", TEXT, re.MULTILINE)

    told = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert told == {name: each.exit_code for name, each in CLASSES.items()}
