"""The remedies that the code can print, found in its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import cdc
import cdc_sandbox
from cdc.cli import SUMMARIES

ROOTS = tuple(Path(str(each.__file__)).parent for each in (cdc, cdc_sandbox))

UNKNOWN = "{}"
"""What is known only when it is printed."""

_REMEDY_AT = {"Finding": 3, "_unfit": 2}
"""Which positional argument of these is one."""

COMMAND = re.compile(
    rf"\bcdc (?:{'|'.join(SUMMARIES)}|\{{\}})(?![a-z-])"
    r"|\b(?:SET (?:GLOBAL|PERSIST|SESSION)|GRANT|ALTER TABLE|CREATE TABLE|XA COMMIT|FLUSH|RESET"
    r"|PURGE)\b"
)
"""Something to type: a command, or a statement."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One that the code can print: where, and its text, `{}` for what only the moment tells."""

    file: str
    line: int
    text: str

    @property
    def is_typed(self) -> bool:
        """Whether it holds something to type."""
        return COMMAND.search(self.text) is not None


@cache
def remedies() -> tuple[Remedy, ...]:
    """Every remedy in the code."""
    return tuple(each for name, tree in _trees() for each in _of_file(name, tree))


@cache
def _trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(root).as_posix(), ast.parse(path.read_text()))
        for root in ROOTS
        for path in sorted(root.rglob("*.py"))
    )


def _of_file(name: str, tree: ast.Module) -> Iterator[Remedy]:
    texts = _Texts(tree)
    for node in _expressions(tree):
        for text in dict.fromkeys(texts.of(node)):
            if text.replace(UNKNOWN, "").strip():
                yield Remedy(name, node.lineno, text)


def _expressions(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (each.value for each in node.keywords if each.arg == "remedy")
            at = _REMEDY_AT.get(getattr(node.func, "id", ""))
            if at is not None and len(node.args) > at:
                yield node.args[at]
        elif isinstance(node, ast.Assign):
            named = [getattr(each, "attr", getattr(each, "id", "")) for each in node.targets]
            if "remedy" in named:
                yield node.value
        elif isinstance(node, ast.FunctionDef) and node.name in ("remedy", "_remedy"):
            yield from _returned(node)


def _returned(function: ast.FunctionDef) -> list[ast.expr]:
    found = [each for each in ast.walk(function) if isinstance(each, ast.Return)]
    return [each.value for each in found if each.value is not None]


class _Texts:
    """The texts that an expression of a module may have."""

    def __init__(self, tree: ast.Module) -> None:
        self._constants: dict[str, ast.expr] = {}
        self._functions: dict[str, list[ast.expr]] = {}
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self._constants[node.target.id] = node.value
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.FunctionDef):
                self._functions[node.name] = _returned(node)

    def of(self, node: ast.expr) -> list[str]:
        """Return every text that the expression may have."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant():
                return [""]
            case ast.JoinedStr(values=values):
                return self._joined(values)
            case ast.FormattedValue(value=value):
                return self.of(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right])
            case ast.BinOp(left=left, op=ast.Mult()):
                return ["", *self.of(left)]
            case ast.BoolOp(values=values):
                return [text for each in values for text in self.of(each)]
            case ast.IfExp(body=body, orelse=orelse):
                return [*self.of(body), *self.of(orelse)]
            case ast.Name(id=name) if name in self._constants:
                return self.of(self._constants[name])
            case ast.Subscript(value=ast.Name(id=name)) if name in self._constants:
                return self._values(self._constants[name])
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                return [text for each in self._functions[name] for text in self.of(each)]
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, *default]
            ) if name in self._constants:
                told = [text for each in default for text in self.of(each)]
                return [*self._values(self._constants[name]), *told]
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[one]):
                return self.of(getattr(one, "elt", one))
        return [UNKNOWN]

    def _joined(self, parts: Sequence[ast.expr]) -> list[str]:
        return ["".join(each) for each in product(*map(self.of, parts))]

    def _values(self, node: ast.expr) -> list[str]:
        if not isinstance(node, ast.Dict):
            return [UNKNOWN]
        return [text for each in node.values for text in self.of(each)]


def matching(entries: Mapping[tuple[str, str], str], remedy: Remedy) -> list[tuple[str, str]]:
    """Return the entries, (file, part of the text), that are about this one."""
    return [(file, part) for file, part in entries if file == remedy.file and part in remedy.text]


def raised(*names: str) -> list[str]:
    """Return the text of each place that makes an error of one of these classes."""
    return [
        ast.unparse(node)
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names
    ]
