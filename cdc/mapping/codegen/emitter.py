"""Collects the lines and the constants of a generated Python function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cdc.mapping.codegen.generated import comment

Part = bytes | str
"""A piece of a document: constant bytes, or the Python expression that yields bytes."""


@dataclass(frozen=True, slots=True)
class Size:
    """A byte count that is known up to the variables in `terms`."""

    constant: int
    terms: tuple[str, ...] = ()

    def __add__(self, other: Size) -> Size:
        return Size(self.constant + other.constant, self.terms + other.terms)

    def expression(self) -> str:
        """Return the sum as Python source."""
        terms = [*self.terms, str(self.constant)] if self.constant else list(self.terms)
        return " + ".join(terms) or "0"


@dataclass(frozen=True, slots=True)
class Value:
    """A BSON value in the making: its type byte, the parts of its bytes, and their size.

    A type of b"" means that its field is left out; `optional`: that may be so at run time.
    """

    type: Part
    parts: tuple[Part, ...]
    size: Size
    optional: bool = False


@dataclass(slots=True)
class Emitter:
    """A function body under construction."""

    names: dict[str, object]
    depth: int = 1
    lines: list[str] = field(default_factory=list)
    _remark: str = ""
    _taken: Counter[str] = field(default_factory=Counter)

    def line(self, text: str) -> None:
        """Add one line at the current depth."""
        self.lines.append("    " * self.depth + text + self._remark)

    def comment(self, text: str) -> None:
        """Add a line that describes the lines behind it."""
        self.line(comment(text))

    @contextmanager
    def about(self, text: str) -> Iterator[None]:
        """Add `text` as a comment to each line within: a traceback shows one line alone."""
        self._remark = f"  {comment(text)}"
        try:
            yield
        finally:
            self._remark = ""

    def fresh(self, name: str) -> str:
        """Return a name that the function has not used: `name`, then with a number behind it."""
        self._taken[name] += 1
        used = self._taken[name]
        return name if used == 1 else f"{name}_{used}"

    def bind(self, name: str, value: object) -> str:
        """Make a constant a global of the function; equal names must mean the same value."""
        bound = self.names.setdefault(name, value)
        if bound is not value and bound != value:
            raise AssertionError(f"the generated name {name} is taken")
        return name


def joined(code: Emitter, parts: Iterable[Part]) -> str:
    """Return one expression that joins `parts`."""
    join = code.bind("join", b"".join)
    return f"{join}(({', '.join(map(literal, folded(parts)))},))"


def folded(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the parts; neighbouring constants are merged."""
    constant = b""
    for part in parts:
        if isinstance(part, bytes):
            constant += part
            continue
        if constant:
            yield constant
        constant = b""
        yield part
    if constant:
        yield constant


def literal(part: Part) -> str:
    """Return a part as a Python expression."""
    return repr(part) if isinstance(part, bytes) else part
