"""AND, OR, XOR, NOT and IS with three truth values."""

from __future__ import annotations

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BOOLEAN,
    Bits,
    Decimal,
    Double,
    Integer,
    Null,
    Single,
    Year,
)
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Node
from cdc.mapping.expressions.term import Term


def boolean(code: str, node: Node, *, nullable: bool, yes: str = "", no: str = "") -> Term:
    """Build a truth value; without cheaper tests, its own value is tested."""
    if not nullable:
        return Term(BOOLEAN, code, node, False, yes or code, no or f"(not {code})")
    return Term(BOOLEAN, code, node, True, yes or f"({code} is True)", no or f"({code} is False)")


def truth(scope: Scope, term: Term) -> Term:
    """Return the truth value of a term: a number is true unless it is 0."""
    match term.kind:
        case Integer(boolean=True):
            return term
        case Null():
            return boolean("None", term.node, nullable=True, yes="False", no="False")
        case Integer() | Decimal() | Double() | Single() | Year() | Bits():
            found = scope.strict(BOOLEAN, term.node, "({0} != 0)", term)
            return boolean(found.code, term.node, nullable=found.nullable)
    what = f"{term.kind} is no truth value"
    raise ExpressionError(what, "compare it with something", at=term.node.at)


@rule("NOT")
def _not(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    term = truth(scope, terms[0])
    code = scope.strict(BOOLEAN, call, "(not {0})", term).code
    return boolean(code, call, nullable=term.nullable, yes=term.no, no=term.yes)


@rule("AND")
def _and(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = (truth(scope, term) for term in terms)
    nullable = one.nullable or other.nullable
    code = _three_valued(scope, one, other, decides=False) if nullable else ""
    yes, no = f"({one.yes} and {other.yes})", f"({one.no} or {other.no})"
    return boolean(code or yes, call, nullable=nullable, yes=yes, no=no)


@rule("OR")
def _or(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = (truth(scope, term) for term in terms)
    nullable = one.nullable or other.nullable
    code = _three_valued(scope, one, other, decides=True) if nullable else ""
    yes, no = f"({one.yes} or {other.yes})", f"({one.no} and {other.no})"
    return boolean(code or yes, call, nullable=nullable, yes=yes, no=no)


def _three_valued(scope: Scope, one: Term, other: Term, *, decides: bool) -> str:
    """Return the code of AND (which False decides) or of OR (True)."""
    first, test = scope.held(one)
    second, other_test = scope.held(other)
    decided = f"{test} is {decides} or {other_test} is {decides}"
    unknown = f"{first} is None or {second} is None"
    return f"({decides} if {decided} else None if {unknown} else {not decides})"


@rule("XOR")
def _xor(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = (truth(scope, term) for term in terms)
    found = scope.strict(BOOLEAN, call, "({0} is not {1})", one, other)
    return boolean(found.code, call, nullable=found.nullable)


@rule("IS NULL")
def _is_null(_: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    code = f"({terms[0].code} is None)" if terms[0].nullable else "False"
    return boolean(code, call, nullable=False)


@rule("IS TRUE")
def _is_true(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return boolean(truth(scope, terms[0]).yes, call, nullable=False)


@rule("IS FALSE")
def _is_false(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return boolean(truth(scope, terms[0]).no, call, nullable=False)
