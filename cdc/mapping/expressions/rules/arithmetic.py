"""+, -, *, /, DIV, %, unary minus, ABS and ROUND, with the servers' types, precision and scale."""

from __future__ import annotations

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BIGINT,
    BIGINT_DIGITS,
    UNSIGNED,
    Decimal,
    Double,
    Integer,
    Number,
)
from cdc.mapping.expressions.rules.numeric import decimal, double, exact, number
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.runtime import numbers
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Literal
from cdc.mapping.expressions.term import Term

DIVISION_DIGITS = 4
"""`div_precision_increment`, which no session of ours changes."""
SIGNS = {"+": numbers.add, "-": numbers.subtract, "*": numbers.multiply}


@rule("+", "-", "*")
def _sum_or_product(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = number(terms[0]), number(terms[1])
    if isinstance(one, Double) or isinstance(other, Double):
        finite = scope.bind("finite", numbers.finite)
        code = f"{finite}({{0}} {call.function} {{1}})"
        return scope.strict(Double(), call, code, *(double(scope, term) for term in terms))
    if isinstance(one, Integer) and isinstance(other, Integer):
        return _whole(scope, call, terms, f"{{0}} {call.function} {{1}}")
    function = SIGNS[call.function]
    name = scope.bind(function.__name__, function)
    kind = _product(one, other) if call.function == "*" else _sum(one, other)
    return scope.strict(kind, call, f"{name}({{0}}, {{1}})", *terms)


def _whole(scope: Scope, call: Call, terms: tuple[Term, ...], code: str) -> Term:
    """Return an operation of integers: unsigned if one of them is, and within the range."""
    if any(kind.unsigned for kind in map(number, terms) if isinstance(kind, Integer)):
        return _checked(scope, call, terms, code, UNSIGNED)
    return _checked(scope, call, terms, code, BIGINT)


def _checked(scope: Scope, call: Call, terms: tuple[Term, ...], code: str, kind: Integer) -> Term:
    check = numbers.unsigned if kind.unsigned else numbers.signed
    name = scope.bind(check.__name__, check)
    return scope.strict(kind, call, f"{name}({code})", *terms)


def _sum(one: Number, other: Number) -> Decimal:
    first, second = exact(one), exact(other)
    scale = max(first.scale, second.scale)
    whole = max(first.precision - first.scale, second.precision - second.scale)
    return decimal(whole + 1 + scale, scale)


def _product(one: Number, other: Number) -> Decimal:
    first, second = exact(one), exact(other)
    return decimal(first.precision + second.precision, first.scale + second.scale)


@rule("/")
def _divide(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = number(terms[0]), number(terms[1])
    if isinstance(one, Double) or isinstance(other, Double):
        name = scope.bind("divide", numbers.divide_double)
        doubles = [double(scope, term) for term in terms]
        return scope.strict(Double(), call, f"{name}({{0}}, {{1}})", *doubles, nullable=True)
    first, second = exact(one), exact(other)
    scale = first.scale + DIVISION_DIGITS
    kind = decimal(first.precision + second.scale + DIVISION_DIGITS, scale)
    if scope.mariadb:
        name = scope.bind("divide_in_words", numbers.divide_in_words)
        code = f"{name}({{0}}, {{1}}, {DIVISION_DIGITS})"
    else:
        name = scope.bind("divide_rounded", numbers.divide_rounded)
        code = f"{name}({{0}}, {{1}}, {DIVISION_DIGITS}, {scale})"
    return scope.strict(kind, call, code, *terms, nullable=True)


@rule("DIV")
def _divide_whole(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kinds = [number(term) for term in terms]
    if any(isinstance(kind, Double) for kind in kinds):
        raise ExpressionError(
            "DIV of a DOUBLE is outside the subset", "write CAST(a / b AS SIGNED)"
        )
    whole = all(isinstance(kind, Integer) for kind in kinds)
    function = numbers.divide_int if whole else numbers.divide_to_int
    name = scope.bind(function.__name__, function)
    quotient = scope.strict(BIGINT, call, f"{name}({{0}}, {{1}})", *terms, nullable=True)
    is_unsigned = any(isinstance(kind, Integer) and kind.unsigned for kind in kinds)
    return _checked(scope, call, (quotient,), "{0}", UNSIGNED if is_unsigned else BIGINT)


@rule("%")
def _modulo(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    one, other = number(terms[0]), number(terms[1])
    kind: Number
    if isinstance(one, Double) or isinstance(other, Double):
        name, kind = scope.bind("modulo_double", numbers.modulo_double), Double()
        doubles = [double(scope, term) for term in terms]
        return scope.strict(kind, call, f"{name}({{0}}, {{1}})", *doubles, nullable=True)
    if isinstance(one, Integer) and isinstance(other, Integer):
        name = scope.bind("modulo_int", numbers.modulo_int)
        kind = Integer(unsigned=one.unsigned, digits=max(one.digits, other.digits))
    else:
        name = scope.bind("modulo_decimal", numbers.modulo_decimal)
        first, second = exact(one), exact(other)
        scale = max(first.scale, second.scale)
        kind = decimal(max(first.precision, second.precision, scale + 1), scale)
    return scope.strict(kind, call, f"{name}({{0}}, {{1}})", *terms, nullable=True)


@rule("NEGATE")
def _negate(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind = number(terms[0])
    if isinstance(kind, Integer):
        return _checked(scope, call, terms, "-{0}", Integer(digits=max(kind.digits, 1)))
    if isinstance(kind, Double):
        return scope.strict(kind, call, "(-{0})", *terms)
    name = scope.bind("subtract", numbers.subtract)
    return scope.strict(kind, call, f"{name}(0, {{0}})", *terms)


@rule("ABS")
def _absolute(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind = number(terms[0])
    if isinstance(kind, Integer):
        result = Integer(kind.unsigned, 64, kind.digits)
        return _checked(scope, call, terms, "abs({0})", result)
    if isinstance(kind, Double):
        return scope.strict(kind, call, "abs({0})", *terms)
    name = scope.bind("absolute", numbers.absolute)
    return scope.strict(kind, call, f"{name}({{0}})", *terms)


@rule("ROUND")
def _round(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    kind, digits = number(terms[0]), _digits(call)
    if isinstance(kind, Double):
        name = scope.bind("round_double", numbers.round_double)
        return scope.strict(kind, call, f"{name}({{0}}, {digits})", terms[0])
    if isinstance(kind, Integer):
        return _round_whole(scope, call, terms[0], kind, digits)
    assert isinstance(kind, Decimal)
    scale = min(max(digits, 0), 30 if scope.mariadb else kind.scale)
    name = scope.bind("round_decimal", numbers.round_decimal)
    whole = kind.precision - kind.scale + (digits < kind.scale)
    result = decimal(max(whole + scale, 1), scale)
    return scope.strict(result, call, f"{name}({{0}}, {min(digits, scale)})", terms[0])


def _digits(call: Call) -> int:
    """Return the second argument of ROUND."""
    if len(call.arguments) == 1:
        return 0
    digits = call.arguments[1]
    if isinstance(digits, Literal) and type(digits.value) is int and abs(digits.value) <= 30:
        return digits.value
    raise ExpressionError("ROUND takes a whole number from -30 to 30 as its second argument")


def _round_whole(scope: Scope, call: Call, term: Term, kind: Integer, digits: int) -> Term:
    result = Integer(kind.unsigned, 64, kind.digits)
    if digits >= 0:
        return scope.strict(result, call, "int({0})", term)
    if scope.mariadb and kind.digits >= BIGINT_DIGITS:
        name = scope.bind("round_decimal", numbers.round_decimal)
        wider = Decimal(kind.digits + 1, 0)
        return scope.strict(wider, call, f"{name}({{0}}, {digits})", term)
    name = scope.bind("round_int", numbers.round_int)
    return _checked(scope, call, (term,), f"{name}({{0}}, {digits})", result)
