"""Docstrings begin with the verb that PEP 257 asks for: "Return", not "Give" or "Tell"."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

TURNS = frozenset({"Give", "Tell", "Say", "Have", "Let", "See"})
"""First words that hide what a function does: return, yield, report, write or wait."""

PROMPTS = frozenset({"command", "group"})
"""Decorators of commands, whose docstrings are help for operators."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("package", ["cdc", "portal", "bench"])
def test_docstrings_of_functions_begin_with_a_verb_of_the_trade(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {first}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for function in _functions(path)
        if (first := _first_word(function)) in TURNS
    ]

    assert found == []


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function) and not _is_command(node):
            yield node


def _is_command(function: Function) -> bool:
    called = (each.func for each in function.decorator_list if isinstance(each, ast.Call))
    return any(isinstance(each, ast.Attribute) and each.attr in PROMPTS for each in called)


def _first_word(function: Function) -> str:
    words = (ast.get_docstring(function) or "").split(maxsplit=1)
    return words[0] if words else ""
