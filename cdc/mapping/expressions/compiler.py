"""Compiles a parsed expression to one Python function, against the columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal as Exact
from typing import Any

from cdc.mapping.codegen.generated import comment, load
from cdc.mapping.expressions import columns as column_kinds
from cdc.mapping.expressions import texts
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BOOLEAN,
    MAX_PRECISION,
    MAX_SCALE,
    Binary,
    Bits,
    Decimal,
    Double,
    Integer,
    Kind,
    Null,
    Single,
    Year,
)
from cdc.mapping.expressions.parser import Parsed
from cdc.mapping.expressions.rules import (  # noqa: F401  they register themselves
    arithmetic,
    choice,
    comparison,
    json,
    logic,
    strings,
    temporal,
)
from cdc.mapping.expressions.rules.casts import cast
from cdc.mapping.expressions.rules.logic import boolean, truth
from cdc.mapping.expressions.rules.rule import RULES
from cdc.mapping.expressions.runtime import numbers
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Cast, Literal, Name, Node
from cdc.mapping.expressions.term import Term
from cdc.model.table_map import Column

Values = tuple[object, ...]
MAX_SOURCE = 200_000
"""The most characters of generated code: nobody means to write more."""
UNPRINTABLE = {
    Single: "write CAST(… AS DOUBLE)",
    Year: "write … + 0",
    Bits: "write … + 0",
}


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """An expression as Python functions of the values of `columns`, in their order.

    `evaluate` returns the value, None for NULL (see `values` for the Python types); `is_true`
    whether it is true. Both raise Unrepresentable for a value out of the range of its type.
    `source` is the generated code, `kind` the SQL type.
    """

    columns: tuple[str, ...]
    kind: Kind
    nullable: bool
    source: str
    evaluate: Callable[[Values], object] = field(repr=False)
    is_true: Callable[[Values], bool] = field(repr=False)


def compile_expression(
    parsed: Parsed, columns: Mapping[str, Column], *, mariadb: bool = False
) -> Expression:
    """Compile `parsed` for a table with `columns`, by name.

    Raises ExpressionError for unknown columns, and for what cannot equal the server's meaning;
    `mariadb` selects the server.
    """
    scope, term = _tree(parsed, columns, mariadb)
    value = _result(scope, term)
    return _built(scope, value, _test(scope, term), parsed.sql)


def compile_condition(
    parsed: Parsed, columns: Mapping[str, Column], *, mariadb: bool = False
) -> Expression:
    """Compile as `compile_expression`; raises ExpressionError also for what has no truth value."""
    truth(*_tree(parsed, columns, mariadb))
    return compile_expression(parsed, columns, mariadb=mariadb)


def _tree(parsed: Parsed, columns: Mapping[str, Column], mariadb: bool) -> tuple[Scope, Term]:
    scope = Scope(columns, mariadb)
    return scope, _term(scope, parsed.tree)


def _term(scope: Scope, node: Node) -> Term:
    """Compile a node; an error without a place is at the innermost node that fails."""
    try:
        return _compiled(scope, node)
    except ExpressionError as error:
        if error.at is None:
            error.at = node.at
        raise


def _compiled(scope: Scope, node: Node) -> Term:
    match node:
        case Literal():
            return _literal(scope, node)
        case Name():
            return _column(scope, node)
        case Cast():
            return cast(scope, node, _term(scope, node.argument))
        case Call():
            terms = () if node.function == "TEMPORAL" else node.arguments
            return RULES[node.function](scope, node, tuple(_term(scope, one) for one in terms))


def _literal(scope: Scope, node: Literal) -> Term:
    value = node.value
    match value:
        case None:
            return Term(Null(), "None", node)
        case bool():
            return boolean(repr(value), node, nullable=False)
        case int():
            return Term(_whole(value), _signed(repr(value)), node, False)
        case float():
            return Term(Double(), _signed(repr(value)), node, False)
        case Exact():
            digits = value.as_tuple()
            assert isinstance(digits.exponent, int)
            scale = max(0, -digits.exponent)
            kind = Decimal(max(len(digits.digits), scale, 1), scale)
            if kind.precision > MAX_PRECISION or scale > MAX_SCALE:
                raise ExpressionError(
                    f"a number of more than {MAX_PRECISION} digits, or more than {MAX_SCALE} behind"
                    " the point, is outside the subset"
                )
            return Term(kind, scope.bind("number", value), node, False)
        case bytes():
            return Term(Binary(), repr(value), node, False)
    return Term(texts.made(scope, ascii_only=value.isascii()), ascii(value), node, False)


def _signed(code: str) -> str:
    return f"({code})" if code.startswith("-") else code


def _whole(value: int) -> Integer:
    bits = 32 if -(1 << 31) <= value < 1 << 31 else 64
    return Integer(value >= 1 << 63, bits, len(str(abs(value))))


def _column(scope: Scope, node: Name) -> Term:
    name = _resolved(scope, node.name)
    column = scope.columns[name]
    variable = scope.inputs.setdefault(name, f"c{len(scope.inputs)}")
    kind = column_kinds.kind(column, mariadb=scope.mariadb)
    return Term(kind, variable, node, column.nullable)


def _resolved(scope: Scope, name: str) -> str:
    """Return the column's own name; names of columns have no case."""
    if name in scope.columns:
        return name
    found = [one for one in scope.columns if one.lower() == name.lower()]
    if len(found) != 1:
        raise ExpressionError(f"unknown column `{name}`")
    return found[0]


def _result(scope: Scope, term: Term) -> Term:
    """Return the term as the value of the whole expression."""
    remedy = UNPRINTABLE.get(type(term.kind))
    if remedy is not None:
        what = f"{term.kind} cannot be the value of an expression"
        raise ExpressionError(what, remedy, at=term.node.at)
    match term.kind:
        case Integer(boolean=True):
            return scope.strict(BOOLEAN, term.node, "int({0})", term)
        case Decimal(scale=scale):
            name = scope.bind("rounded", numbers.rounded)
            return scope.strict(term.kind, term.node, f"{name}({{0}}, {scale})", term)
    return term


def _test(scope: Scope, term: Term) -> str:
    """Return the code of `is_true`, or of a refusal if the expression has no truth value."""
    try:
        return truth(scope, term).yes
    except ExpressionError:
        return ""


def _built(scope: Scope, value: Term, test: str, sql: str) -> Expression:
    if len(value.code) + len(test) > MAX_SOURCE:
        raise ExpressionError("it is too large")
    unpack = _unpacked(scope)
    lines = [f"def evaluate(values):\n{unpack}    return {value.code}"]
    if test:
        lines.append(f"def is_true(values):\n{unpack}    return {test}")
    source = "\n\n".join(lines) + "\n"
    functions = _loaded(source, scope, sql)
    is_true = functions.get("is_true", _no_truth(value))
    columns = tuple(scope.inputs)
    return Expression(columns, value.kind, value.nullable, source, functions["evaluate"], is_true)


def _unpacked(scope: Scope) -> str:
    """Return the lines that assign the columns' values to variables."""
    if not scope.inputs:
        return ""
    pairs = [(variable, scope.columns[name]) for name, variable in scope.inputs.items()]
    about = comment(", ".join(f"{variable} {column.declaration}" for variable, column in pairs))
    return f"    {about}\n    {', '.join(variable for variable, _ in pairs)}, = values\n"


def _loaded(source: str, scope: Scope, sql: str) -> dict[str, Any]:
    try:
        return load(source, scope.globals, f"expression {sql}")
    except (SyntaxError, RecursionError, MemoryError) as error:  # Python's own limits
        raise ExpressionError("it takes too many steps, one after the other") from error


def _no_truth(value: Term) -> Callable[[Values], bool]:
    def refuse(_: Values) -> bool:
        raise TypeError(f"{value.kind} is no truth value")

    return refuse
