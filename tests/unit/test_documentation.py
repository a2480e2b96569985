"""An error names the place where the documentation says more, if there is more to read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc import errors
from cdc.documentation import more_about
from cdc.errors import CdcError, Halted, PositionPurged, UsageError
from cdc.readers.server.driver_errors import AccessDenied
from cdc.terminal.pages import page_in
from tests.support.checkout import ROOT

PAGES = ROOT / "cdc" / "terminal" / "pages.py"
FILES = re.compile(r"\bdocs/|\w\.md\b")

EXPLAINED = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, CdcError) and each.explained
]


@pytest.mark.parametrize("kind", EXPLAINED)
def test_the_place_is_a_heading_of_the_page(kind: type[CdcError]) -> None:
    page, _, section = more_about(kind()).partition("#")

    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert section in {heading.lower() for heading in headings}


def test_what_has_no_section_of_its_own_is_explained_by_its_kind() -> None:
    class Displaced(Halted):
        pass

    assert more_about(Displaced()) == "docs/reference/errors.md#halted"
    assert more_about(AccessDenied()) == "docs/reference/errors.md#unfit"


def test_what_ends_for_a_human_to_decide_is_explained_and_a_mistake_in_usage_is_not() -> None:
    assert {Halted, PositionPurged} < set(EXPLAINED)
    assert more_about(UsageError()) == ""


@pytest.mark.parametrize("address", ["https://cdc.example.org", "https://cdc.example.org/"])
def test_a_published_website_is_named_in_the_place_of_the_path(address: str) -> None:
    urls = ["Changelog, https://example.org/changes", f"Documentation, {address}"]

    assert page_in(urls, "reference/errors") == "https://cdc.example.org/reference/errors.html"


def test_messages_name_pages_and_no_files_of_the_repository() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {each}"
        for path, tree in sources()
        for each in texts(tree)
        if FILES.search(each) and path != PAGES
    ]

    assert named == []


def test_the_pages_and_sections_that_messages_name_exist() -> None:
    named = [
        [ast.literal_eval(argument) for argument in call.args]
        for path, tree in sources()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "page"
        if call.args and all(isinstance(each, ast.Constant) for each in call.args)
    ]

    assert named
    for name, *section in named:
        text = (ROOT / "docs" / f"{name}.md").read_text()
        headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
        assert {*section} <= anchors, name


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """The modules that are installed, each with its syntax."""
    for folder in ("cdc", "sandbox", "portal"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module but those that stand alone, as docstrings do."""
    alone = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in alone:
            yield each.value
