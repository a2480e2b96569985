"""Tests share what is in `support` folders, and take nothing from one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.checkout import ROOT

MODULES = sorted(ROOT.glob("tests/**/*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield each module that a module of tests imports, and each name from a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


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
