"""DATE, YEAR, DATE_FORMAT, UNIX_TIMESTAMP and the literals DATE '…' and TIMESTAMP '…'."""

from __future__ import annotations

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import Date, DateTime, Decimal, Integer, Kind, Null, Time
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.runtime import calendar, moments
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Literal
from cdc.mapping.expressions.term import Term
from cdc.mapping.expressions.texts import made


def moment(term: Term, function: str) -> Kind:
    """Return the kind of a DATE or DATETIME; raises ExpressionError for others."""
    if isinstance(term.kind, Date | DateTime | Null):
        return term.kind
    remedy = "write CAST(… AS DATETIME(6))" if not isinstance(term.kind, Time) else None
    what = f"{function} of {term.kind} is outside the subset"
    raise ExpressionError(what, remedy, at=term.node.at)


def is_read(kind: Kind) -> bool:
    """Return whether it is a date that comes from a text."""
    return isinstance(kind, Date | DateTime) and kind.read


@rule("TEMPORAL")
def _literal(_: Scope, call: Call, __: tuple[Term, ...]) -> Term:
    literal = call.arguments[0]
    assert isinstance(literal, Literal)
    assert isinstance(literal.value, str)
    found = moments.read(literal.value)
    is_date = call.option == "DATE"
    if found is None or is_date != (found[1] < 0):
        shape = "YYYY-MM-DD" if is_date else "YYYY-MM-DD hh:mm:ss[.ffffff]"
        raise ExpressionError(f"{call.option} '{literal.value}' is not written as {shape}")
    return Term(Date() if is_date else DateTime(found[1]), repr(found[0]), call, False)


@rule("DATE")
def _date(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind = moment(terms[0], "DATE")
    found = Date(read=is_read(kind))
    return scope.strict(found, call, f"{scope.bind('day_of', moments.day_of)}({{0}})", terms[0])


@rule("YEAR")
def _year(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    moment(terms[0], "YEAR")
    kind = Integer(unsigned=not scope.mariadb, bits=32, digits=4)
    return scope.strict(kind, call, f"{scope.bind('year_of', moments.year_of)}({{0}})", terms[0])


@rule("DATE_FORMAT")
def _format(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    moment(terms[0], "DATE_FORMAT")
    form = call.arguments[1]
    if not isinstance(form, Literal) or not isinstance(form.value, str):
        raise ExpressionError("DATE_FORMAT takes a constant format")
    name = scope.bind("printed", calendar.printer(form.value, mariadb=scope.mariadb))
    kind = made(scope, ascii_only=form.value.isascii())
    return scope.strict(kind, call, f"{name}({{0}})", terms[0], nullable=True)


@rule("UNIX_TIMESTAMP")
def _unix(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind = moment(terms[0], "UNIX_TIMESTAMP")
    scale = kind.scale if isinstance(kind, DateTime) else 0
    result = Decimal(11 + scale, scale) if scale else Integer(digits=11)
    function = calendar.unix_mariadb if scope.mariadb else calendar.unix_mysql
    name = scope.bind("unix", function)
    code = f"{name}({{0}}, {scale})"
    return scope.strict(result, call, code, terms[0], nullable=scope.mariadb)
