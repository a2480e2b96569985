"""Tests share what is in `support` folders, and take nothing from one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.checkout import ROOT

MODULES = sorted(ROOT.glob("tests/**/*.py"))
IMPORT = re.compile(
    r"^\s*from (?P<module>tests[\w.]*) import (?P<names>\([^)]*\)|.+)$", re.MULTILINE
)
PROGRAMS = {"portal/browser/chromium.py", "portal/settings.py"}
"""What others run or name, beside the tests."""


def imported(path: Path) -> Iterator[str]:
    """Yield each name that a module imports from others of the tests, with its module."""
    for match in IMPORT.finditer(path.read_text()):
        names = re.findall(r"\w+", match["names"])
        yield from (f"{match['module']}.{name}" for name in names)


def is_a_tests_own(name: str) -> bool:
    """Return whether something is of a module of tests, or of fixtures."""
    first, *parts = name.split(".")
    return first == "tests" and any(each.startswith(("test_", "conftest")) for each in parts)


def test_nothing_is_imported_from_a_module_of_tests() -> None:
    found = {path: list(imported(path)) for path in MODULES}

    wrong = [(path, name) for path in found for name in found[path] if is_a_tests_own(name)]
    assert wrong == []


def test_an_import_from_a_module_of_tests_would_be_noticed(tmp_path: Path) -> None:
    module = tmp_path / "test_one.py"
    module.write_text("from tests.unit.test_other import helper\nfrom tests.support import quick\n")

    found = list(imported(module))

    assert [is_a_tests_own(name) for name in found] == [True, False]


def test_what_is_no_test_stands_in_a_support_folder() -> None:
    names = [path.relative_to(ROOT / "tests") for path in MODULES]

    elsewhere = {str(each) for each in names if not _is_of_tests(each) and not _is_support(each)}

    assert elsewhere == PROGRAMS


def _is_of_tests(path: Path) -> bool:
    return path.name.startswith(("test_", "conftest", "__init__"))


def _is_support(path: Path) -> bool:
    return "support" in path.parts or path.parts[0] in ("mutants", "fuzz", "faults")
