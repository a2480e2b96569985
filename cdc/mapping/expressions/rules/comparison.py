"""=, <=>, <>, <, <=, >, >=, IN and BETWEEN, each pair of kinds compared as the servers do."""

from __future__ import annotations

from dataclasses import replace

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BOOLEAN,
    Binary,
    Bits,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Kind,
    Null,
    Single,
    Text,
    Time,
    Year,
)
from cdc.mapping.expressions.rules import json
from cdc.mapping.expressions.rules.logic import boolean
from cdc.mapping.expressions.rules.numeric import double, number
from cdc.mapping.expressions.rules.rule import RULES, rule
from cdc.mapping.expressions.rules.temporal import is_read
from cdc.mapping.expressions.runtime import moments
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Literal, Node, balanced
from cdc.mapping.expressions.term import Term
from cdc.mapping.expressions.texts import common, comparable

NUMERIC = (Integer, Decimal, Double, Single, Bits, Year)
OPPOSITE = {"=": "!=", "<>": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
PYTHON = {"=": "==", "<>": "!="}
YEARS = range(1901, 2156)


def compare(scope: Scope, operator: str, node: Node, one: Term, other: Term) -> Term:
    """Build `one operator other` as a truth value."""
    if isinstance(one.kind, Null) or isinstance(other.kind, Null):
        return boolean("None", node, nullable=True, yes="False", no="False")
    json.require_left(one, other)
    if scope.mariadb and (is_read(one.kind) or is_read(other.kind)):
        raise ExpressionError(
            "CAST of a text AS a date is compared, which MariaDB finds true or false of no date",
            "write DATE_FORMAT(CAST(…), …) or UNIX_TIMESTAMP(CAST(…))",
        )
    one, other = _typed(scope, one, other), _typed(scope, other, one)
    pattern = _pattern(scope, one, other, equality=operator in PYTHON)
    holds = _filled(pattern, PYTHON.get(operator, operator))
    fails = _filled(pattern, OPPOSITE[operator])
    found = scope.strict(BOOLEAN, node, f"({holds})", one, other)
    if not found.nullable:
        return boolean(found.code, node, nullable=False)
    yes, no = (_guarded(scope, test, one, other) for test in (holds, fails))
    return boolean(found.code, node, nullable=True, yes=yes, no=no)


def _guarded(scope: Scope, pattern: str, *terms: Term) -> str:
    guards, codes = scope.guarded(terms)
    found = " and ".join(guard.removesuffix("None") + "not None" for guard in guards)
    return f"({found} and {pattern.format(*codes)})"


def _filled(pattern: str, operator: str) -> str:
    return pattern.replace("?", operator)


def _pattern(scope: Scope, one: Term, other: Term, *, equality: bool) -> str:
    """Return the code of a comparison, `?` for its operator."""
    kinds = (one.kind, other.kind)
    if all(isinstance(kind, NUMERIC) for kind in kinds):
        return "{0} ? {1}"
    if all(isinstance(kind, Text) for kind in kinds):
        return _texts(scope, one, other, equality=equality)
    if all(isinstance(kind, Date | DateTime) for kind in kinds):
        return "{0} ? {1}"
    if any(isinstance(kind, Json) for kind in kinds):
        return json.pattern(scope, one, other)
    if all(isinstance(kind, Time) for kind in kinds) or kinds == (Binary(), Binary()):
        return "{0} ? {1}"
    raise ExpressionError(f"{one.kind} is compared with {other.kind}", _remedy(*kinds))


def _remedy(one: Kind, other: Kind) -> str | None:
    kinds = (one, other)
    if any(isinstance(kind, Binary) for kind in kinds):
        return "write the constant as x'…', or CAST(… AS BINARY)"
    if any(isinstance(kind, Date | DateTime) for kind in kinds):
        return "write CAST(… AS DATETIME(6)), or a constant as 'YYYY-MM-DD [hh:mm:ss]'"
    if any(isinstance(kind, Time) for kind in kinds):
        return "write a constant as 'hh:mm:ss'"
    return "write CAST(… AS SIGNED), CAST(… AS DECIMAL(p,s)) or CAST(… AS CHAR)"


def _typed(scope: Scope, term: Term, other: Term) -> Term:
    """Convert a term to the kind of its comparison: a constant date, or a double."""
    node = term.node
    if isinstance(term.kind, Json) and term.kind.written:
        return json.written(scope, term, other)
    if isinstance(other.kind, Json) and other.kind.written and isinstance(term.kind, NUMERIC):
        return double(scope, term)
    if isinstance(term.kind, NUMERIC) and isinstance(other.kind, NUMERIC):
        _require_years(term, other)
        return double(scope, term) if isinstance(number(other), Double) else term
    if not isinstance(term.kind, Text) or not isinstance(node, Literal):
        return term
    assert isinstance(node.value, str)
    if isinstance(other.kind, Date | DateTime):
        found = moments.read(node.value)
        if found is not None:
            kind = Date() if found[1] < 0 else DateTime(found[1])
            return Term(kind, repr(found[0]), node, False)
    if isinstance(other.kind, Time):
        found = moments.read_time(node.value)
        if found is not None:
            return Term(Time(found[1]), repr(found[0]), node, False)
    if isinstance(other.kind, Binary):
        return Term(Binary(), repr(node.value.encode()), node, False)
    return term


def _require_years(one: Term, other: Term) -> None:
    for year, with_what in ((one, other), (other, one)):
        if isinstance(year.kind, Year):
            _require_year(with_what)


def _require_year(term: Term) -> None:
    if isinstance(term.kind, Year):
        return
    node = term.node
    if not (isinstance(node, Literal) and type(node.value) is int and node.value in YEARS):
        raise ExpressionError(
            f"a YEAR is compared with {term.kind}, which may mean two digits of one",
            "write `year + 0`, or a constant from 1901 to 2155",
        )


def _texts(scope: Scope, one: Term, other: Term, *, equality: bool) -> str:
    collation = comparable(common([one, other]))
    if not equality and collation.pad:
        name = scope.bind("compare", collation.compare)
        return f"{name}({{0}}, {{1}}) ? 0"
    if collation.binary and not collation.pad:
        return "{0} ? {1}"
    keys = scope.bind("key", collation.keys())
    codes = [
        _braced(collation.key(term.node.value))
        if isinstance(term.node, Literal) and isinstance(term.node.value, str)
        else f"{keys}[{{{at}}}]"
        for at, term in enumerate((one, other))
    ]
    return f"{codes[0]} ? {codes[1]}"


def _braced(text: str) -> str:
    """Return a constant as source that survives `format` and the operator's place."""
    return ascii(text).replace("{", "\\x7b").replace("}", "\\x7d").replace("?", "\\x3f")


@rule("=", "<>", "<", "<=", ">", ">=")
def _compare(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return compare(scope, call.function, call, *terms)


@rule("<=>")
def _same(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = terms
    for term, null in ((one, other), (other, one)):
        if isinstance(null.kind, Null):
            return RULES["IS NULL"](scope, call, (term,))
    equal = compare(scope, "=", call, one, other)
    if not equal.nullable:
        return equal
    first, test = scope.held(one)
    second, other_test = scope.held(other)
    held = [
        replace(term, code=code, nullable=False) for term, code in ((one, first), (other, second))
    ]
    same = compare(scope, "=", call, *held).code
    if not other.nullable:
        return boolean(f"({test} is not None and {same})", call, nullable=False)
    if not one.nullable:
        return boolean(f"({other_test} is not None and {same})", call, nullable=False)
    nulls = f"({test} is None) is ({other_test} is None)"
    return boolean(f"({nulls} and ({first} is None or {same}))", call, nullable=False)


@rule("IN")
def _in(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    json.require_none(terms, "IN")
    needle, *rest = _agreed(terms)
    found = _in_set(scope, call, needle, rest)
    if found is not None:
        return found
    each = [compare(scope, "=", call, needle, term) for term in rest]
    return balanced(each, lambda one, other: RULES["OR"](scope, call, (one, other)))


def _in_set(scope: Scope, call: Call, needle: Term, rest: list[Term]) -> Term | None:
    """Return a lookup in a set of constants; None if they are not all of one kind."""
    values = [term.node.value for term in rest if isinstance(term.node, Literal)]
    if len(values) != len(rest) or len(values) < 2:
        return None
    if isinstance(needle.kind, Text) and all(isinstance(one, str) for one in values):
        collation = comparable(common([needle, *rest]))
        members: frozenset[object] = frozenset(
            collation.key(one) for one in values if isinstance(one, str)
        )
        plain = collation.binary and not collation.pad
        code = "{0}" if plain else f"{scope.bind('key', collation.keys())}[{{0}}]"
    elif isinstance(needle.kind, Integer) and all(type(one) is int for one in values):
        members, code = frozenset(values), "{0}"
    else:
        return None
    name = scope.bind("members", members)
    holds, fails = f"{code} in {name}", f"{code} not in {name}"
    found = scope.strict(BOOLEAN, call, f"({holds})", needle)
    if not found.nullable:
        return boolean(found.code, call, nullable=False)
    yes, no = (_guarded(scope, test, needle) for test in (holds, fails))
    return boolean(found.code, call, nullable=True, yes=yes, no=no)


@rule("BETWEEN")
def _between(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    json.require_none(terms, "BETWEEN")
    value, low, high = terms
    if all(isinstance(term.kind, NUMERIC) for term in terms):
        value, low, high = _alike(scope, terms)
    else:
        value, low, high = _agreed(terms)
    above = compare(scope, ">=", call, value, low)
    below = compare(scope, "<=", call, value, high)
    return RULES["AND"](scope, call, (above, below))


def _agreed(terms: tuple[Term, ...]) -> list[Term]:
    """Return texts with the collation that all of them share."""
    if not all(isinstance(term.kind, Text) for term in terms):
        return list(terms)
    kind = common(list(terms))
    return [replace(term, kind=kind) for term in terms]


def _alike(scope: Scope, terms: tuple[Term, ...]) -> list[Term]:
    """Convert all to doubles if one of them is: the three are compared as one kind."""
    kinds = [number(term) for term in terms]
    if not any(isinstance(kind, Double) for kind in kinds):
        return list(terms)
    return [double(scope, term) for term in terms]
