"""What each error says, and its remedy, as the code makes it: found in the code's syntax trees."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path

import cdc

CODE = Path(str(cdc.__file__)).parent


def reference(error: str) -> str:
    """Return the messages of a class of errors as lists, those with the same remedy together."""
    by_remedy: dict[str, list[str]] = defaultdict(list)
    for message, remedy in sorted(set(messages(error))):
        by_remedy[remedy].append(f"* {message}\n")
    return "\n".join(
        "".join(group) + (f"\n**Remedy:** {remedy}\n" if remedy else "")
        for remedy, group in by_remedy.items()
    )


def messages(error: str) -> Iterator[tuple[str, str]]:
    """Yield each message that the code gives to a class of errors, and its remedy or nothing."""
    for module, call in _calls().get(error, []):
        texts = _Texts(module)
        message = texts.of(call.args[0])
        remedies = [texts.of(each.value) for each in call.keywords if each.arg == "remedy"]
        if " " in message:  # not one that only hands on what another one says
            yield message, "".join(remedies)


@cache
def _trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(CODE).as_posix(): ast.parse(path.read_text())
        for path in sorted(CODE.rglob("*.py"))
    }


@cache
def _calls() -> dict[str, list[tuple[str, ast.Call]]]:
    """Return the calls of `Class(…)` and `Class.by(…)` by their classes, with their modules."""
    found: dict[str, list[tuple[str, ast.Call]]] = defaultdict(list)
    for module, tree in _trees().items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name)), args=[_, *_]
                ):
                    found[name].append((module, node))
    return found


@cache
def _named() -> dict[str, dict[str, ast.expr]]:
    """Return by name what constants are and functions return, in each module that has one."""
    found: dict[str, dict[str, ast.expr]] = defaultdict(dict)
    for module, tree in _trees().items():
        for node in tree.body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    | ast.FunctionDef(name=name, body=[*_, ast.Return(value=ast.expr() as value)])
                ):
                    found[name][module] = value
    return found


@dataclass(frozen=True, slots=True)
class _Texts:
    """The text of an expression in a module; what only the moment tells stands in capitals."""

    module: str

    def of(self, node: ast.expr) -> str:
        """Return the text; of several the likeliest."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=values):
                return reduce(_joined, map(self.of, values), "")
            case ast.FormattedValue(value=value) | ast.Subscript(value=value):
                return self.of(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.of(left) + self.of(right)
            case ast.BinOp(op=ast.Mult()):
                return ""
            case ast.BoolOp(values=[*_, one]) | ast.IfExp(body=one):
                return self.of(one)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return _Texts(_file(owner) or self.module).known(name) or name.strip("_").upper()
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return self.known(name) or name.strip("_").upper()
            case ast.Call(func=function, args=arguments):
                return self._called(function, arguments)
        return "VALUE"

    def _called(self, function: ast.expr, arguments: list[ast.expr]) -> str:
        match function:
            case ast.Name(id=name) | ast.Attribute(attr=name) if found := self.known(name):
                return found
        return self.of(arguments[0] if arguments else function)

    def known(self, name: str) -> str:
        """Return the text of a constant or function, empty if it has none of its own.

        It is of this module, or imported: then it has a name that no other module has.
        """
        known = _named().get(name, {})
        module = self.module if self.module in known else next(iter(known), "")
        if module != self.module and len(known) != 1:
            return ""
        value = known[module]
        return _Texts(module).of(value) if _is_told(value) else ""


@cache
def _file(owner: str) -> str:
    """Return the module that `owner.NAME` looks into, empty if that is none."""
    found = [each for each in _trees() if each.endswith(f"/{owner}.py")]
    return found[0] if len(found) == 1 else ""


def _joined(text: str, more: str) -> str:
    """Return both, but for an unknown end of a word, which is mostly empty."""
    return text if text[-1:].isalnum() and more.isupper() else text + more


def _is_told(node: ast.expr) -> bool:
    """Return whether an expression is made of text, and so can be told without running it."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, str)
        case ast.BinOp(left=left, right=right):
            return _is_told(left) or _is_told(right)
        case ast.IfExp(body=body):
            return _is_told(body)
    return isinstance(node, ast.JoinedStr)
