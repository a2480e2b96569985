"""JSON_EXTRACT, ->, JSON_UNQUOTE and ->>, and a JSON value as text, number and in comparisons.

MySQL's JSON is a type with an order of its own. MariaDB's is text; its comparisons take it for JSON
only if JSON_EXTRACT itself stands on one side.
"""

from __future__ import annotations

from dataclasses import replace

from cdc.mapping.expressions.columns import json_collation
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.json_paths import Path, parse_path
from cdc.mapping.expressions.kinds import (
    BIGINT,
    Decimal,
    Double,
    Integer,
    Json,
    Null,
    Single,
    Strength,
    Text,
)
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.runtime import json_texts, json_values
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Cast, Literal, Name, Node
from cdc.mapping.expressions.term import Term

REMEDY = "write JSON_UNQUOTE(…) for the text of a JSON value, and CAST it where it is a number"
ARROW = "-> and ->> are not known to MariaDB"


@rule("JSON_EXTRACT")
def _extract(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    if call.option and scope.mariadb:
        raise ExpressionError(ARROW, "write JSON_EXTRACT(…, '$.path'), JSON_UNQUOTE(…) around it")
    path = call.arguments[1]
    if not isinstance(path, Literal) or not isinstance(path.value, str):
        raise ExpressionError("JSON_EXTRACT takes a constant path")
    term = terms[0]
    function = json_texts.extract if scope.mariadb else json_values.follow
    name = scope.bind(function.__name__, function)
    legs = scope.bind("path", _path(path.value, mariadb=scope.mariadb))
    return scope.strict(_document(scope, term), call, f"{name}({{0}}, {legs})", term, nullable=True)


def _path(text: str, *, mariadb: bool) -> Path:
    path = parse_path(text)
    if mariadb and any(isinstance(leg, int) and leg < 0 for leg in path):
        raise ExpressionError(
            f"[last] in the JSON path {text} is outside the subset on MariaDB, whose versions read"
            " it differently"
        )
    return path


def _document(scope: Scope, term: Term) -> Json:
    """Return the kind of a value found in a document."""
    match term.kind:
        case Json():
            return term.kind
        case Text(collation=collation) if scope.mariadb:
            return Json(collation, written=True)
        case Null():
            raise ExpressionError("JSON_EXTRACT of NULL is NULL")
    remedy = None if scope.mariadb else "use a column of the type JSON"
    what = f"JSON_EXTRACT of {term.kind} is outside the subset"
    raise ExpressionError(what, remedy, at=term.node.at)


@rule("JSON_UNQUOTE")
def _unquote(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return _unquoted(scope, call, terms[0], Strength.LITERAL)


def _unquoted(scope: Scope, node: Node, term: Term, strength: Strength) -> Term:
    if not isinstance(term.kind, Json):
        raise ExpressionError(
            f"JSON_UNQUOTE of {term.kind} is outside the subset", "write JSON_EXTRACT in it"
        )
    function = json_texts.unquoted if term.kind.written else json_values.unquoted
    code = f"{scope.bind('unquoted', function)}({{0}})"
    return scope.strict(Text(json_collation(), strength), node, code, term)


def text(scope: Scope, term: Term) -> Term:
    """Return a JSON value as the servers print it."""
    kind = term.kind
    assert isinstance(kind, Json)
    code = "{0}" if kind.written else f"{scope.bind('json_text', json_values.printed)}({{0}})"
    return scope.strict(Text(kind.collation, Strength.COLUMN), term.node, code, term)


def number(scope: Scope, node: Cast, term: Term) -> Term:
    """Build CAST(value AS SIGNED) or DOUBLE; raises ExpressionError if its origin matters."""
    if scope.mariadb or not (
        isinstance(term.node, Name)
        or (isinstance(term.node, Call) and term.node.function == "JSON_EXTRACT")
    ):
        raise ExpressionError(
            f"CAST of {term.kind} AS {node.target} is outside the subset",
            f"write CAST(JSON_UNQUOTE(…) AS {node.target})",
        )
    if node.target == "SIGNED":
        name = scope.bind("json_signed", json_values.to_signed)
        return scope.strict(BIGINT, node, f"{name}({{0}})", term)
    name = scope.bind("json_double", json_values.to_double)
    return scope.strict(Double(), node, f"{name}({{0}})", term)


def require_none(terms: tuple[Term, ...], what: str) -> None:
    """Raise ExpressionError for a JSON value in `what`, which the servers do not define."""
    if any(isinstance(term.kind, Json) for term in terms):
        raise ExpressionError(f"a JSON value in {what} is outside the subset", REMEDY)


def require_left(one: Term, other: Term) -> None:
    """Raise ExpressionError for `text < JSON_EXTRACT(…)`, which MariaDB finds true of NULL."""
    if isinstance(one.kind, Text) and isinstance(other.kind, Json) and other.kind.written:
        raise ExpressionError(
            f"{one.kind} is compared with a JSON value", "write JSON_EXTRACT on the left"
        )


def pattern(scope: Scope, one: Term, other: Term) -> str:
    """Return the code of a comparison with MySQL's JSON, `?` for its operator."""
    name = scope.bind("json_compare", json_values.compare)
    if isinstance(one.kind, Json):
        return f"{name}({{0}}, {_scalar(other, '{1}')}) ? 0"
    return f"0 ? {name}({{1}}, {_scalar(one, '{0}')})"


def _scalar(term: Term, place: str) -> str:
    match term.kind:
        case Integer(boolean=True) if isinstance(term.node, Literal):
            return place
        case Integer(boolean=False):
            return f"+{place}"
        case Text() | Decimal() | Double() | Single():
            return place
    raise _incomparable(term)


def written(scope: Scope, term: Term, other: Term) -> Term:
    """Convert MariaDB's JSON to the kind of its comparison: a text or a double."""
    if not isinstance(term.node, Call) or term.node.function != "JSON_EXTRACT":
        raise ExpressionError("MariaDB compares only JSON_EXTRACT itself as JSON", REMEDY)
    match other.kind, term.kind:
        case Text(), Json(collation=collation):
            found = _unquoted(scope, term.node, term, Strength.COLUMN)
            return replace(found, kind=Text(collation, Strength.COLUMN))
        case Integer() | Decimal() | Double() | Single(), _:
            name = scope.bind("json_double", json_texts.to_double)
            return scope.strict(Double(), term.node, f"{name}({{0}})", term)
    raise _incomparable(other)


def _incomparable(term: Term) -> ExpressionError:
    return ExpressionError(f"a JSON value is compared with {term.kind}", REMEDY)
