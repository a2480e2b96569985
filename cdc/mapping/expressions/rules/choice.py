"""CASE, IF, IFNULL, COALESCE and NULLIF: one of several values, as a kind that holds them all."""

from __future__ import annotations

from dataclasses import replace

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    Binary,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Kind,
    Null,
    Text,
    Time,
)
from cdc.mapping.expressions.rules import json
from cdc.mapping.expressions.rules.comparison import compare
from cdc.mapping.expressions.rules.logic import boolean, truth
from cdc.mapping.expressions.rules.numeric import double, merged
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.rules.strings import text
from cdc.mapping.expressions.rules.temporal import is_read
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Node
from cdc.mapping.expressions.term import Term
from cdc.mapping.expressions.texts import common


def one_of(terms: list[Term]) -> Kind:
    """Return the kind of a value that is one of `terms`; raises ExpressionError."""
    known = [term for term in terms if not isinstance(term.kind, Null)]
    kinds = [term.kind for term in known]
    if not kinds:
        return Null()
    if all(isinstance(kind, Text) for kind in kinds):
        numbered = any(isinstance(kind, Text) and kind.numbered for kind in kinds)
        return replace(common(known), numbered=numbered)
    numbers = [kind for kind in kinds if isinstance(kind, Integer | Decimal | Double)]
    if len(numbers) == len(kinds):
        return merged(numbers)
    if all(isinstance(kind, Date | DateTime) for kind in kinds):
        scales = [kind.scale for kind in kinds if isinstance(kind, DateTime)]
        read = any(map(is_read, kinds))
        return DateTime(max(scales), read) if scales else Date(read)
    if len(set(kinds)) == 1 and isinstance(kinds[0], Binary | Json | Time):
        return kinds[0]
    other = next((kind for kind in kinds if kind != kinds[0]), None)
    if other is None:
        raise ExpressionError(f"a choice of {kinds[0]} is outside the subset", "CAST the values")
    raise ExpressionError(f"a value is either {kinds[0]} or {other}", "CAST both to the same type")


def _as(scope: Scope, term: Term, kind: Kind) -> Term:
    """Convert a term to the kind that was chosen."""
    if isinstance(kind, Double) and not isinstance(term.kind, Double | Null):
        return double(scope, term)
    return replace(term, kind=kind)


def _chosen(scope: Scope, node: Node, terms: list[Term], code: str, *, nullable: bool) -> Term:
    """Build a choice of `terms`; `code` has a place for each."""
    kind = one_of(terms)
    codes = [_as(scope, term, kind).code for term in terms]
    found = Term(kind, f"({code.format(*codes)})", node, nullable)
    if isinstance(kind, Integer) and kind.boolean:
        return boolean(found.code, node, nullable=nullable)
    return found


@rule("CASE")
def _case(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    tests = [truth(scope, term) for term in terms[:-1:2]]
    return _cases(scope, call, tests, [*terms[1::2], terms[-1]])


@rule("CASE OF")
def _case_of(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    operand, *rest = terms
    json.require_none((operand, *rest[:-1:2]), "CASE … WHEN")
    tests = [compare(scope, "=", call, operand, term) for term in rest[:-1:2]]
    return _cases(scope, call, tests, [*rest[1::2], rest[-1]])


def _cases(scope: Scope, call: Call, tests: list[Term], results: list[Term]) -> Term:
    parts = [f"{{{at}}} if {_escaped(test.yes)} else " for at, test in enumerate(tests)]
    code = "".join(parts) + f"{{{len(tests)}}}"
    nullable = any(term.nullable for term in results)
    found = _chosen(scope, call, results, code, nullable=nullable)
    if scope.mariadb or not isinstance(found.kind, Decimal | Double):
        return found
    return replace(found, printed=_printed(scope, results, code))


def _printed(scope: Scope, results: list[Term], code: str) -> str:
    """Return the text of a choice of numbers: MySQL prints the chosen one with its own digits.

    "" if all of them have as many digits.
    """
    kinds = {term.kind for term in results if not isinstance(term.kind, Null)}
    if len(kinds) == 1 and not any(term.printed for term in results):
        return ""
    return f"({code.format(*(text(scope, term).code for term in results))})"


def _escaped(code: str) -> str:
    return code.replace("{", "{{").replace("}", "}}")


@rule("IF")
def _if(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return _cases(scope, call, [truth(scope, terms[0])], list(terms[1:]))


@rule("IFNULL", "COALESCE")
def _coalesce(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind = one_of(list(terms))
    codes: list[str] = []
    for term in terms:
        value, test = scope.held(_as(scope, term, kind))
        if not term.nullable:
            codes.append(value)
            break
        codes.append(f"{value} if {test} is not None else ")
    nullable = codes[-1].endswith(" else ")
    code = "".join(codes) + ("None" if nullable else "")
    if isinstance(kind, Integer) and kind.boolean:
        return boolean(f"({code})", call, nullable=nullable)
    return Term(kind, f"({code})", call, nullable)


@rule("NULLIF")
def _nullif(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    json.require_none(terms, "NULLIF")
    equal = compare(scope, "=", call, *terms)
    code = f"(None if {equal.yes} else {terms[0].code})"
    found = Term(terms[0].kind, code, call, True, f"({code} is True)", f"({code} is False)")
    if not terms[0].printed:
        return found
    return replace(found, printed=f"(None if {equal.yes} else {terms[0].printed})")
