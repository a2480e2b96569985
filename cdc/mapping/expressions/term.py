"""A compiled part of an expression: Python source of its value, and its known properties."""

from __future__ import annotations

from dataclasses import dataclass

from cdc.mapping.expressions.kinds import Kind
from cdc.mapping.expressions.syntax import Node


@dataclass(frozen=True, slots=True)
class Term:
    """`code` yields the value, None for NULL; it binds tighter than any Python operator.

    `yes` and `no` are cheaper tests of whether a truth value is true and whether it is false.
    `node` is what it was compiled from. `printed` yields its text, if that does not follow from the
    value.
    """

    kind: Kind
    code: str
    node: Node
    nullable: bool = True
    yes: str = ""
    no: str = ""
    printed: str = ""

    @property
    def simple(self) -> bool:
        """Whether the code can be repeated at no cost."""
        return self.code.isidentifier()
