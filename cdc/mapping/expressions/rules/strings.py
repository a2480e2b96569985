"""CONCAT, LOWER, UPPER, TRIM, SUBSTRING, LENGTH, CHAR_LENGTH, LIKE, MD5, SHA2 and COLLATE."""

from __future__ import annotations

from dataclasses import replace

from cdc.mapping.expressions import collations
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    BOOLEAN,
    COUNT,
    Binary,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Null,
    Strength,
    Text,
    Time,
)
from cdc.mapping.expressions.rules import json
from cdc.mapping.expressions.rules.logic import boolean
from cdc.mapping.expressions.rules.rule import rule
from cdc.mapping.expressions.runtime import moments, numbers, strings
from cdc.mapping.expressions.runtime.encodings import encoder
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Call, Literal
from cdc.mapping.expressions.term import Term
from cdc.mapping.expressions.texts import common, comparable, made

WHOLE_BYTES = frozenset({"utf8mb4", "utf8mb3", "ascii"})


def text(scope: Scope, term: Term) -> Term:
    """Convert a term to text, as the servers print it; raises ExpressionError."""
    kind, made_kind = term.kind, made(scope)
    if term.printed:
        return Term(made_kind, term.printed, term.node, term.nullable)
    match kind:
        case Text():
            return replace(term, kind=replace(kind, numbered=False))
        case Json():
            return json.text(scope, term)
        case Null():
            return replace(term, kind=made_kind)
        case Integer():
            name, code = scope.bind("int_text", numbers.int_text), "{0}"
        case Decimal(scale=scale):
            name, code = scope.bind("decimal_text", numbers.decimal_text), f"{{0}}, {scale}"
        case Double():
            name, code = scope.bind("double_text", numbers.double_text), "{0}"
        case Date():
            name, code = scope.bind("date_text", moments.date_text), "{0}"
        case DateTime(scale=scale):
            name, code = scope.bind("datetime_text", moments.datetime_text), f"{{0}}, {scale}"
        case Time(scale=scale):
            name, code = scope.bind("time_text", moments.time_text), f"{{0}}, {scale}"
        case _:
            what = f"{kind} is used as a text"
            raise ExpressionError(what, "write CAST(… AS CHAR)", at=term.node.at)
    return scope.strict(made_kind, term.node, f"{name}({code})", term)


def encoded(scope: Scope, term: Term) -> Term:
    """Convert a text, a number or a binary to bytes."""
    if isinstance(term.kind, Binary):
        return term
    term = text(scope, term)
    assert isinstance(term.kind, Text)
    charset = term.kind.collation.charset
    if charset in WHOLE_BYTES:
        return scope.strict(Binary(), term.node, "{0}.encode()", term)
    encode = encoder(charset)
    if encode is None:
        raise ExpressionError(
            f"the bytes of a text in {charset} are outside the subset",
            "write CONVERT(… USING utf8mb4)",
            at=term.node.at,
        )
    return scope.strict(Binary(), term.node, f"{scope.bind('encode', encode)}({{0}})", term)


@rule("CONCAT")
def _concat(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    if any(isinstance(term.kind, Binary) for term in terms):
        _require_no_constant(terms)
        parts = [encoded(scope, term) for term in terms]
        kind: Text | Binary = Binary()
    else:
        parts = [text(scope, term) for term in terms]
        kind = common(parts)
    places = " + ".join(f"{{{at}}}" for at in range(len(parts)))
    return scope.strict(kind, call, f"({places})", *parts)


def _require_no_constant(terms: tuple[Term, ...]) -> None:
    """Refuse a text beside x'…', which the servers treat as characters of the text's charset."""
    constant = any(isinstance(term.node, Literal) for term in terms if term.kind == Binary())
    if constant and any(isinstance(term.kind, Text) for term in terms):
        raise ExpressionError(
            "a text and a binary constant in CONCAT are outside the subset",
            "write the constant as a text, or CAST(… AS BINARY)",
        )


@rule("LOWER", "UPPER")
def _case(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    term = text(scope, terms[0])
    assert isinstance(term.kind, Text)
    collation = comparable(term.kind)
    function = collation.lower if call.function == "LOWER" else collation.upper
    name = scope.bind(call.function.lower(), function)
    return scope.strict(term.kind, call, f"{name}({{0}})", term)


@rule("TRIM")
def _trim(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    term, remove = (text(scope, one) for one in terms)
    kind = common([term, remove])
    sides = f"leading={call.option != 'TRAILING'}, trailing={call.option != 'LEADING'}"
    name = scope.bind("trim", strings.trim)
    return scope.strict(kind, call, f"{name}({{0}}, {{1}}, {sides})", term, remove)


@rule("SUBSTRING")
def _substring(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    if any(not isinstance(term.kind, Integer | Null) for term in terms[1:]):
        raise ExpressionError("SUBSTRING takes whole numbers", "write CAST(… AS SIGNED)")
    term = terms[0] if isinstance(terms[0].kind, Binary) else text(scope, terms[0])
    places = ", ".join(f"{{{at}}}" for at in range(len(terms)))
    name = scope.bind("substring", strings.substring)
    return scope.strict(term.kind, call, f"{name}({places})", term, *terms[1:])


@rule("CHAR_LENGTH")
def _char_length(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    term = terms[0] if isinstance(terms[0].kind, Binary) else text(scope, terms[0])
    return scope.strict(COUNT, call, "len({0})", term)


@rule("LENGTH")
def _length(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    return scope.strict(COUNT, call, "len({0})", encoded(scope, terms[0]))


@rule("MD5")
def _md5(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    name = scope.bind("md5", strings.md5)
    return scope.strict(made(scope), call, f"{name}({{0}})", encoded(scope, terms[0]))


@rule("SHA2")
def _sha2(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    size = call.arguments[1]
    if (
        not isinstance(size, Literal)
        or type(size.value) is not int
        or size.value not in strings.SHA2
    ):
        raise ExpressionError("SHA2 takes 224, 256, 384, 512 or 0 (256) as its second argument")
    name = scope.bind(f"sha{size.value}", strings.SHA2[size.value])
    return scope.strict(made(scope), call, f"{name}({{0}}).hexdigest()", encoded(scope, terms[0]))


@rule("LIKE")
def _like(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    escape = call.arguments[2]
    if not (
        isinstance(escape, Literal) and isinstance(escape.value, str) and len(escape.value) == 1
    ):
        raise ExpressionError("ESCAPE takes one character")
    value, pattern = (text(scope, term) for term in terms[:2])
    collation = comparable(common([value, pattern]))
    fold = "{%d}" if collation.binary else f"{scope.bind('fold', collation.fold)}({{%d}})"
    if isinstance(pattern.node, Literal) and isinstance(pattern.node.value, str):
        compiled = strings.matcher(pattern.node.value, escape.value, collation)
        code = f"({scope.bind('matches', compiled.fullmatch)}({fold % 0}) is not None)"
        found = scope.strict(BOOLEAN, call, code, value)
    else:
        name = scope.bind("like", strings.like)
        place = scope.bind("collation", collation)
        code = f"{name}({fold % 0}, {{1}}, {escape.value!a}, {place})"
        found = scope.strict(BOOLEAN, call, code, value, pattern)
    return boolean(found.code, call, nullable=found.nullable)


@rule("COLLATE")
def _collate(scope: Scope, call: Call, terms: tuple[Term, ...]) -> Term:
    term = text(scope, terms[0])
    collation = collations.named(call.option)
    assert isinstance(term.kind, Text)
    if collation is None:
        raise ExpressionError(
            f"the collation {call.option} is not covered",
            f"covered are {', '.join(collations.names())}",
        )
    if collation.charset != term.kind.collation.charset:
        raise ExpressionError(
            f"{call.option} is no collation of {term.kind.collation.charset}",
            f"write CONVERT(… USING {collation.charset}) before COLLATE",
        )
    return replace(term, kind=Text(collation, Strength.EXPLICIT, term.kind.ascii))
