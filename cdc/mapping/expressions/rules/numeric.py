"""Number kinds of terms, and the kinds of results in arithmetic."""

from __future__ import annotations

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BIGINT_DIGITS,
    MAX_PRECISION,
    UNSIGNED,
    Bits,
    Decimal,
    Double,
    Integer,
    Json,
    Null,
    Number,
    Single,
    Text,
    Year,
)
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.term import Term

REMEDY_TEXT = "write CAST(… AS SIGNED), CAST(… AS DECIMAL(p,s)) or CAST(… AS DOUBLE)"
REMEDY_JSON = "write CAST(JSON_UNQUOTE(…) AS SIGNED), DECIMAL(p,s) or DOUBLE"
REMEDY_MOMENT = "write UNIX_TIMESTAMP(…) or CAST(DATE_FORMAT(…, …) AS SIGNED)"


def number(term: Term) -> Number:
    """Return a term's kind of number in arithmetic; raises ExpressionError."""
    match term.kind:
        case Integer() | Decimal() | Double():
            return term.kind
        case Single():
            return Double()
        case Year():
            return Integer(unsigned=True, bits=32, digits=4)
        case Bits():
            return UNSIGNED
        case Null():
            raise ExpressionError(
                "NULL itself is used as a number",
                "write the NULL in a CASE or IF",
                at=term.node.at,
            )
        case Text():
            remedy = REMEDY_TEXT
        case Json():
            remedy = REMEDY_JSON
        case _:
            remedy = REMEDY_MOMENT
    raise ExpressionError(f"{term.kind} is used as a number", remedy, at=term.node.at)


def double(scope: Scope, term: Term) -> Term:
    """Convert a number to a double."""
    kind = number(term)
    if isinstance(kind, Double):
        return term
    return scope.strict(Double(), term.node, "float({0})", term)


def exact(kind: Number) -> Decimal:
    """Return an integer's kind as a decimal."""
    if isinstance(kind, Integer):
        return Decimal(max(kind.digits, 1), 0)
    assert isinstance(kind, Decimal)
    return kind


def decimal(precision: int, scale: int) -> Decimal:
    """Return the kind of a result; raises ExpressionError if digits could be lost."""
    if precision > MAX_PRECISION or scale > 30:
        raise ExpressionError(
            f"the result could have {precision} digits, {scale} of them behind the point, and the "
            "servers keep 65 and 30",
            "write CAST(… AS DECIMAL(p,s)) around its operands",
        )
    return Decimal(precision, scale)


def merged(kinds: list[Number]) -> Number:
    """Return the kind of number that can hold any of `kinds` (CASE, COALESCE, IF)."""
    if any(isinstance(kind, Double) for kind in kinds):
        return Double()
    integers = [kind for kind in kinds if isinstance(kind, Integer)]
    if len(integers) == len(kinds):
        return _merged_integers(integers)
    decimals = [exact(kind) for kind in kinds]
    scale = max(kind.scale for kind in decimals)
    return decimal(max(kind.precision - kind.scale for kind in decimals) + scale, scale)


def _merged_integers(kinds: list[Integer]) -> Number:
    digits, bits = max(kind.digits for kind in kinds), max(kind.bits for kind in kinds)
    unsigned = [kind.unsigned for kind in kinds]
    if all(unsigned):
        return Integer(True, bits, digits)
    if any(unsigned) and digits > BIGINT_DIGITS:
        return Decimal(digits, 0)
    return Integer(False, 64 if any(unsigned) else bits, digits, all(one.boolean for one in kinds))
