"""Collects the lines and the constants of a generated Python function."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        """Give the sum as Python source."""
        terms = [*self.terms, str(self.constant)] if self.constant else list(self.terms)
        return " + ".join(terms) or "0"


@dataclass(frozen=True, slots=True)
class Value:
    """A BSON value in the making: its type byte, the parts of its bytes, and their size.

    A type of b"" means that its field is left out; `optional` that the type may turn out so.
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

    def line(self, text: str) -> None:
        """Add one line at the current depth."""
        self.lines.append("    " * self.depth + text)

    def bind(self, name: str, value: object) -> str:
        """Give a constant to the function under `name`; equal names must mean the same value."""
        bound = self.names.setdefault(name, value)
        if bound is not value and bound != value:
            raise AssertionError(f"the generated name {name} is taken")
        return name
