"""The shape of a rule, and the table that rules register in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call
from cdc.mapping.expressions.term import Term

Rule = Callable[[Scope, Call, tuple[Term, ...]], Term]
"""Builds the term of a call from the terms of its arguments; raises ExpressionError."""

RULES: Final[dict[str, Rule]] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under `names`."""

    def register(found: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, found))
        return found

    return register
