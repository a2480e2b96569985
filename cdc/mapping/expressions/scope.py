"""The names that generated code sees, and NULL handling of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdc.mapping.expressions.kinds import Kind
from cdc.mapping.expressions.syntax import Node
from cdc.mapping.expressions.term import Term
from cdc.model.table_map import Column


@dataclass(slots=True)
class Scope:
    """The names that generated code may use; `mariadb` selects the server's meaning."""

    columns: Mapping[str, Column]
    mariadb: bool
    globals: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    """The columns that are needed, and the variables that hold them."""
    variables: int = 0

    def variable(self) -> str:
        """Return a name for an intermediate value."""
        self.variables += 1
        return f"v{self.variables}"

    def bind(self, name: str, value: object) -> str:
        """Make a value a global of the generated code; return its name there."""
        unique, number = name, 1
        while self.globals.setdefault(unique, value) is not value:
            number += 1
            unique = f"{name}_{number}"
        return unique

    def strict(
        self, kind: Kind, node: Node, pattern: str, *terms: Term, nullable: bool = False
    ) -> Term:
        """Build an operation that is NULL if one of `terms` is; `pattern` is its code.

        `nullable`: it can also be NULL otherwise.
        """
        guards, codes = self.guarded(terms)
        code = pattern.format(*codes)
        if guards:
            code = f"(None if {' or '.join(guards)} else {code})"
        return Term(kind, code, node, nullable or bool(guards))

    def guarded(self, terms: tuple[Term, ...]) -> tuple[list[str], list[str]]:
        """Return tests that find NULL, and codes that hold values behind those tests."""
        guards: list[str] = []
        codes: list[str] = []
        for term in terms:
            code, test = self.held(term)
            guards += [f"{test} is None"] * (term.nullable and f"{test} is None" not in guards)
            codes.append(code)
        return guards, codes

    def held(self, term: Term) -> tuple[str, str]:
        """Return the code to use a nullable term's value, and the code to use it first."""
        if not term.nullable or term.simple:
            return term.code, term.code
        name = self.variable()
        return name, f"({name} := {term.code})"
