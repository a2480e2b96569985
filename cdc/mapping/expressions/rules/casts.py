"""CAST and CONVERT, for the conversions that the servers agree on."""

from __future__ import annotations

from dataclasses import replace

from cdc.mapping.expressions import collations
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BIGINT,
    UNSIGNED,
    Binary,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Kind,
    Null,
    Strength,
    Text,
)
from cdc.mapping.expressions.rules import json
from cdc.mapping.expressions.rules.numeric import double, number
from cdc.mapping.expressions.rules.strings import encoded, text
from cdc.mapping.expressions.rules.temporal import is_read
from cdc.mapping.expressions.runtime import casts, dates, moments
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Cast, Name, Node
from cdc.mapping.expressions.term import Term
from cdc.mapping.expressions.texts import connection

CHOICES = ("CASE", "CASE OF", "COALESCE", "IF", "IFNULL", "NULLIF")
AS_TEXT = ("CHAR", "BINARY")
EXACT = ("SIGNED", "UNSIGNED", "DECIMAL")
DEFAULT_DECIMAL = (10, 0)


def cast(scope: Scope, node: Cast, term: Term) -> Term:
    """Return the term of a CAST; raises ExpressionError for what is outside the subset."""
    if isinstance(term.kind, Text) and term.kind.numbered and node.target not in AS_TEXT:
        raise ExpressionError(
            f"CAST of an ENUM or SET AS {node.target} would be of its number",
            "write CONCAT(…) for its text",
        )
    if term.printed and isinstance(term.kind, Double) and node.target in EXACT:
        raise ExpressionError(
            f"CAST AS {node.target} of a choice between a DOUBLE and another number is outside the"
            " subset: MySQL casts the one that it takes",
            "CAST each of the values",
        )
    match node.target:
        case "SIGNED" | "UNSIGNED":
            return _to_integer(scope, node, term)
        case "DECIMAL":
            return _to_decimal(scope, node, term)
        case "DOUBLE":
            return _to_double(scope, node, term)
        case "CHAR":
            return _to_char(scope, node, term)
        case "BINARY":
            return _to_binary(scope, node, term)
    return _to_moment(scope, node, term)


def _refused(node: Cast, term: Term, remedy: str | None = None) -> ExpressionError:
    return ExpressionError(f"CAST of {term.kind} AS {node.target} is outside the subset", remedy)


def _to_integer(scope: Scope, node: Cast, term: Term) -> Term:
    kind = BIGINT if node.target == "SIGNED" else UNSIGNED
    if isinstance(term.kind, Json) and kind is BIGINT:
        return json.number(scope, node, term)
    if isinstance(term.kind, Text):
        to_signed, to_unsigned = casts.text_to_signed, casts.text_to_unsigned
        function = to_signed if kind is BIGINT else to_unsigned
        return scope.strict(kind, node, f"{scope.bind(function.__name__, function)}({{0}})", term)
    source = _number(node, term)
    if isinstance(source, Integer):
        if source.unsigned == kind.unsigned:
            return scope.strict(kind, node, "int({0})", term)
        convert = casts.int_to_signed if kind is BIGINT else casts.int_to_unsigned
        return scope.strict(kind, node, f"{scope.bind(convert.__name__, convert)}({{0}})", term)
    if kind is UNSIGNED:
        raise _refused(node, term, "write CAST(… AS SIGNED)")
    if not scope.mariadb and _is_unix(term.node):
        raise ExpressionError(
            "MySQL's CAST of UNIX_TIMESTAMP with a fraction does not round as other decimals do",
            "write ROUND(…) around it",
        )
    if isinstance(source, Double):
        is_column = isinstance(term.kind, Double) and isinstance(term.node, Name)
        # Out of range MySQL returns the nearest for a column, the farthest for a FLOAT, else fails.
        if scope.mariadb or is_column:
            name = scope.bind("double_to_signed", casts.double_to_signed)
        else:
            name = scope.bind("double_within_signed", casts.double_within_signed)
    else:
        name = scope.bind("decimal_to_signed", casts.decimal_to_signed)
    return scope.strict(kind, node, f"{name}({{0}})", term)


def _is_unix(node: Node) -> bool:
    """Return whether the value is, or may be chosen to be, that of UNIX_TIMESTAMP."""
    if not isinstance(node, Call):
        return False
    return node.function == "UNIX_TIMESTAMP" or (
        node.function in CHOICES and any(map(_is_unix, node.arguments))
    )


def _number(node: Cast, term: Term) -> Kind:
    try:
        return number(term)
    except ExpressionError as error:
        raise _refused(node, term, error.remedy) from error


def _to_decimal(scope: Scope, node: Cast, term: Term) -> Term:
    precision, scale = (*node.sizes, *DEFAULT_DECIMAL[len(node.sizes) :])
    if not 1 <= precision <= 65 or scale > min(30, precision):
        raise ExpressionError(f"there is no DECIMAL({precision},{scale})")
    if isinstance(term.kind, Text):
        name = scope.bind("text_to_decimal", casts.text_to_decimal)
    elif isinstance(_number(node, term), Double):
        name = scope.bind("double_to_decimal", casts.double_to_decimal)
    else:
        name = scope.bind("to_decimal", casts.to_decimal)
    code = f"{name}({{0}}, {precision}, {scale})"
    return scope.strict(Decimal(precision, scale), node, code, term)


def _to_double(scope: Scope, node: Cast, term: Term) -> Term:
    if isinstance(term.kind, Text):
        name = scope.bind("text_to_double", casts.text_to_double)
        return scope.strict(Double(), node, f"{name}({{0}})", term)
    if isinstance(term.kind, Json):
        return json.number(scope, node, term)
    _number(node, term)
    return replace(double(scope, term), kind=Double(), node=node, printed="")


def _to_char(scope: Scope, node: Cast, term: Term) -> Term:
    if isinstance(term.kind, Binary):
        raise _refused(node, term)
    found = text(scope, term)
    assert isinstance(found.kind, Text)
    kind = Text(_collation(scope, node), Strength.COLUMN, found.kind.ascii)
    code = f"{{0}}[:{node.sizes[0]}]" if node.sizes else "{0}"
    return scope.strict(kind, node, code, found)


def _collation(scope: Scope, node: Cast) -> collations.Collation:
    if node.charset in ("", "utf8mb4"):
        return connection(scope)
    raise ExpressionError(f"text in {node.charset} is outside the subset", "write utf8mb4")


def _to_binary(scope: Scope, node: Cast, term: Term) -> Term:
    found = encoded(scope, term)
    if not node.sizes:
        return scope.strict(Binary(), node, "{0}", found)
    name = scope.bind("sized", casts.sized)
    return scope.strict(Binary(), node, f"{name}({{0}}, {node.sizes[0]})", found)


def _text_to_moment(scope: Scope, node: Cast, term: Term) -> Term:
    scale = _scale(node)
    code = f"{scope.bind('read_date', dates.read)}({{0}})"
    if node.target != "DATE" and not scope.mariadb:
        code = f"{scope.bind('read_rounded', dates.read_rounded)}({{0}}, {scale})"
    found = scope.strict(DateTime(6, read=True), node, code, term, nullable=True)
    if node.target == "DATE":
        day = f"{scope.bind('day_of', moments.day_of)}({{0}})"
        return scope.strict(Date(read=True), node, day, found)
    if scope.mariadb:
        code = f"{scope.bind('cut', moments.cut)}({{0}}, {scale})"
        return scope.strict(DateTime(scale, read=True), node, code, found)
    return replace(found, kind=DateTime(scale, read=True))


def _scale(node: Cast) -> int:
    scale = node.sizes[0] if node.sizes else 0
    if scale > 6:
        raise ExpressionError("a DATETIME has at most 6 digits of the second")
    return scale


def _to_moment(scope: Scope, node: Cast, term: Term) -> Term:
    if isinstance(term.kind, Text):
        return _text_to_moment(scope, node, term)
    if not isinstance(term.kind, Date | DateTime | Null):
        raise _refused(node, term)
    read = is_read(term.kind)
    if node.target == "DATE":
        return scope.strict(
            Date(read), node, f"{scope.bind('day_of', moments.day_of)}({{0}})", term
        )
    scale = _scale(node)
    if not isinstance(term.kind, DateTime) or term.kind.scale <= scale:
        return scope.strict(DateTime(scale, read), node, "{0}", term)
    function = moments.cut if scope.mariadb else moments.rounded
    name = scope.bind(function.__name__, function)
    code = f"{name}({{0}}, {scale})"
    return scope.strict(DateTime(scale, read), node, code, term, nullable=not scope.mariadb)
