"""The tree that an expression is parsed into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")
Constant = int | Decimal | float | str | bytes | bool | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is NULL, a bool TRUE or FALSE."""

    value: Constant
    at: int | None = field(default=None, compare=False, repr=False, kw_only=True)
    """Its place in the expression's text, as for every node."""


@dataclass(frozen=True, slots=True)
class Name:
    """A column, as it is written."""

    name: str
    at: int | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator, by its upper-case name; `option` is an argument that is no value.

    `CASE` has condition and result in turn, then ELSE; `CASE OF` the operand before them.
    """

    function: str
    arguments: tuple[Node, ...]
    option: str = ""
    at: int | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Cast:
    """`CAST(argument AS target(sizes))`; `charset` of a CHAR, empty if it names none."""

    argument: Node
    target: str
    sizes: tuple[int, ...] = ()
    charset: str = ""
    at: int | None = field(default=None, compare=False, repr=False, kw_only=True)


Node = Literal | Name | Call | Cast


def height(node: Node) -> int:
    """Return the height of the tree."""
    levels, level = 0, [node]
    while level:
        levels, level = levels + 1, [child for one in level for child in _children(one)]
    return levels


def _children(node: Node) -> Iterable[Node]:
    match node:
        case Call(_, arguments):
            return arguments
        case Cast(argument):
            return (argument,)
    return ()


def balanced(parts: Sequence[T], join: Callable[[T, T], T]) -> T:
    """Join `parts`, in order, into a tree of logarithmic height."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return join(balanced(parts[:half], join), balanced(parts[half:], join))


def functions(node: Node) -> frozenset[str]:
    """Return the functions and operators of `node`."""
    below = frozenset[str]().union(*map(functions, _children(node)))
    return below | {node.function} if isinstance(node, Call) else below


def names(node: Node) -> dict[str, int | None]:
    """Return the columns that `node` names, each with the first place where it does."""
    if isinstance(node, Name):
        return {node.name: node.at}
    found: dict[str, int | None] = {}
    for child in _children(node):
        found = names(child) | found
    return found
