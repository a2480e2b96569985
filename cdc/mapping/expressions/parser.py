"""Parses an expression with MySQL's own precedence.

sqlglot finds the tokens; the grammar is that of `expr` in MySQL's `sql/sql_yacc.yy`, since
sqlglot's parser reads some operators differently from the servers (docs/decisions/,
`expression-grammar`). What is outside the subset is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isinf
from typing import Final

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.lexer import Kind, Token, tokens
from cdc.mapping.expressions.syntax import (
    Call,
    Cast,
    Literal,
    Name,
    Node,
    balanced,
    functions,
    height,
    names,
)
from cdc.mapping.expressions.vocabulary import (
    ALIASES,
    FUNCTIONS,
    NOT_DETERMINISTIC,
    RESERVED,
    instead_of,
    list_of_all,
    miscounted,
)

MAX_DEPTH: Final = 24
"""The limit of nesting: the generated code must not exhaust Python's parser."""
MAX_HEIGHT: Final = 150
"""The limit of an operator row's height; operators in a row need no brackets."""
MAX_SHOWN: Final = 40
"""The most characters that a message shows of a token."""
MAX_UNSIGNED: Final = (1 << 64) - 1
COMPARISONS: Final = {one: one for one in ("=", "<=>", "<", "<=", ">", ">=", "<>")} | {"!=": "<>"}
BINARY: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "DIV": 2, "MOD": 2}
CASTS: Final = {
    "SIGNED": 0,
    "UNSIGNED": 0,
    "CHAR": 1,
    "BINARY": 1,
    "DECIMAL": 2,
    "DOUBLE": 0,
    "DATE": 0,
    "DATETIME": 1,
}
"""The targets of a cast, and how many sizes may follow in brackets."""
ARROWS: Final = ("->", "->>")
OUTSIDE: Final = frozenset(
    [
        "|",
        "&",
        "<<",
        ">>",
        "^",
        "~",
        ":=",
        "@",
        "REGEXP",
        "RLIKE",
        "SOUNDS",
        "MEMBER",
        "INTERVAL",
        "EXISTS",
        "SELECT",
        "MATCH",
        "BINARY",
        "ROW",
        "VALUES",
        "ANY",
        "ALL",
        "?",
        "OVER",
    ]
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expression of the subset: its text, its tree and the columns that it names."""

    sql: str
    tree: Node

    @property
    def columns(self) -> frozenset[str]:
        """The columns, as they are written."""
        return frozenset(names(self.tree))

    @property
    def places(self) -> dict[str, int | None]:
        """The first place of each column in the text."""
        return names(self.tree)

    @property
    def functions(self) -> frozenset[str]:
        """The functions and operators, in upper case."""
        return functions(self.tree)


def parse(sql: str) -> Parsed:
    """Parse `sql`; raises ExpressionError, which names what is outside the subset."""
    return Parsed(sql, _Parser(tokens(sql)).whole())


class _Parser:
    """A cursor over tokens; one method per level of precedence, the loosest first."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._at_end:
            raise ExpressionError("the expression is empty")
        tree = self._expression()
        if not self._at_end:
            raise self._unexpected("an operator or the end")
        if height(tree) > MAX_HEIGHT:
            raise ExpressionError(f"it takes more than {MAX_HEIGHT} steps, one after the other")
        return tree

    @property
    def _peek(self) -> Token:
        return self._tokens[self._at]

    @property
    def _before(self) -> Token:
        return self._tokens[self._at - 1]

    @property
    def _at_end(self) -> bool:
        return self._peek.kind is Kind.END

    def _next(self) -> Token:
        token = self._peek
        self._at += not self._at_end
        return token

    def _is(self, *texts: str) -> bool:
        """Return whether `texts` come next."""
        ahead = self._tokens[self._at : self._at + len(texts)]
        return [one.text for one in ahead if one.kind in (Kind.WORD, Kind.SYMBOL)] == [*texts]

    def _skip(self, *texts: str) -> bool:
        found = self._is(*texts)
        self._at += len(texts) if found else 0
        return found

    def _expect(self, text: str, *others: str) -> None:
        """Take the next token, which must be `text`; `others` could have stood in its place."""
        if not self._skip(text):
            raise self._unexpected(" or ".join(map(_quoted, (*others, text))))

    def _word_of(self, expected: str) -> Token:
        """Return the next token, which must be a name."""
        if self._peek.kind not in (Kind.WORD, Kind.NAME, Kind.STRING):
            raise self._unexpected(expected)
        return self._next()

    def _unexpected(self, expected: str, token: Token | None = None) -> ExpressionError:
        token = token or self._peek
        if token.text in OUTSIDE and token.kind is not Kind.STRING:
            return ExpressionError(
                f"{token.written} is outside the subset", list_of_all(), at=token.at
            )
        if token.text in ARROWS and token.kind is Kind.SYMBOL:
            return ExpressionError(
                f"{token.written} stands behind a column only",
                "write JSON_EXTRACT(…, '$.path')",
                at=token.at,
            )
        found = token.written
        found = found if len(found) <= MAX_SHOWN else f"{found[:MAX_SHOWN]}…"
        return ExpressionError(f"unexpected {found}: {expected} expected", at=token.at)

    def _expression(self) -> Node:
        return self._nested(lambda: self._row(self._xor, "OR", "||"))

    def _xor(self) -> Node:
        return self._row(self._and, "XOR")

    def _and(self) -> Node:
        return self._row(self._not, "AND", "&&")

    def _row(self, operand: Callable[[], Node], name: str, sign: str = "") -> Node:
        """Parse operands of an operator that is associative."""
        operands = [operand()]
        at = self._peek.at
        while self._skip(name) or (sign and self._skip(sign)):
            operands.append(operand())
        return balanced(operands, lambda one, other: Call(name, (one, other), at=at))

    def _not(self) -> Node:
        at = self._peek.at
        if self._skip("NOT"):
            return Call("NOT", (self._nested(self._not),), at=at)
        return self._is_truth(self._comparison())

    def _nested(self, parse: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"it nests deeper than {MAX_DEPTH} levels", at=self._peek.at)
        tree = parse()
        self._depth -= 1
        return tree

    def _is_truth(self, tree: Node) -> Node:
        at = self._peek.at
        if not self._skip("IS"):
            return tree
        negated = self._skip("NOT")
        token = self._next()
        word = token.text
        if word not in ("TRUE", "FALSE", "UNKNOWN"):
            raise self._unexpected("TRUE, FALSE, UNKNOWN or NULL", token)
        tree = Call("IS NULL" if word == "UNKNOWN" else f"IS {word}", (tree,), at=at)
        return Call("NOT", (tree,), at=at) if negated else tree

    def _comparison(self) -> Node:
        tree = self._predicate()
        while True:
            at = self._peek.at
            if self._skip("IS", "NULL"):
                tree = Call("IS NULL", (tree,), at=at)
            elif self._skip("IS", "NOT", "NULL"):
                tree = Call("NOT", (Call("IS NULL", (tree,), at=at),), at=at)
            elif self._peek.kind is Kind.SYMBOL and self._peek.text in COMPARISONS:
                operator = COMPARISONS[self._next().text]
                tree = Call(operator, (tree, self._predicate()), at=at)
            else:
                return tree

    def _predicate(self) -> Node:
        tree = self._sum()
        negated = self._skip("NOT")
        at = self._peek.at
        if self._skip("IN"):
            tree = Call("IN", (tree, *self._list(self._expression)), at=at)
        elif self._skip("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            tree = Call("BETWEEN", (tree, low, self._predicate()), at=at)
        elif self._skip("LIKE"):
            tree = self._like(tree, at)
        elif negated:
            raise self._unexpected("IN, BETWEEN or LIKE")
        return Call("NOT", (tree,), at=at) if negated else tree

    def _like(self, tree: Node, at: int) -> Node:
        pattern = self._simple()
        escape = self._simple() if self._skip("ESCAPE") else Literal("\\")
        return Call("LIKE", (tree, pattern, escape), at=at)

    def _list(self, item: Callable[[], Node]) -> list[Node]:
        self._expect("(")
        items = [item()]
        while self._skip(","):
            items.append(item())
        self._expect(")", ",")
        return items

    def _sum(self, loosest: int = 1) -> Node:
        tree = self._simple()
        while (
            self._peek.kind in (Kind.WORD, Kind.SYMBOL)
            and BINARY.get(self._peek.text, 0) >= loosest
        ):
            token = self._next()
            right = self._sum(BINARY[token.text] + 1)
            name = "%" if token.text == "MOD" else token.text
            tree = Call(name, (tree, right), at=token.at)
        return tree

    def _simple(self) -> Node:
        tree = self._primary()
        while self._skip("COLLATE"):
            token = self._word_of("a collation")
            tree = Call("COLLATE", (tree,), token.text.lower(), at=token.at)
        return tree

    def _primary(self) -> Node:
        token = self._next()
        match token.kind:
            case Kind.NUMBER:
                return Literal(_number(token), at=token.at)
            case Kind.STRING:
                return Literal(token.text, at=token.at)
            case Kind.BYTES:
                return Literal(bytes.fromhex(token.text), at=token.at)
            case Kind.NAME:
                return self._column(token.text, token.at)
            case Kind.WORD:
                return self._word(token)
            case Kind.SYMBOL if token.text in SYMBOLS:
                return SYMBOLS[token.text](self)
        raise self._unexpected("an expression", token)

    def _bracketed(self) -> Node:
        tree = self._expression()
        self._expect(")")
        return tree

    def _minus(self) -> Node:
        at = self._before.at
        operand = self._nested(self._simple)
        match operand:
            case Literal(Decimal() as value):
                return Literal(value.copy_negate(), at=at)
            case Literal(int() | float() as value) if not isinstance(value, bool):
                return Literal(-value, at=at)
        return Call("NEGATE", (operand,), at=at)

    def _plus(self) -> Node:
        return self._nested(self._simple)

    def _bang(self) -> Node:
        return Call("NOT", (self._nested(self._simple),), at=self._before.at)

    def _word(self, token: Token) -> Node:
        if token.text in WORDS:
            return WORDS[token.text](self)
        if token.text in ("DATE", "TIMESTAMP") and self._peek.kind is Kind.STRING:
            literal = self._next()
            value = Literal(literal.text, at=literal.at)
            return Call("TEMPORAL", (value,), token.text, at=token.at)
        if self._is("("):
            return self._function(token)
        if token.text in NOT_DETERMINISTIC:
            raise _not_deterministic(token)
        if token.text in RESERVED or token.text in OUTSIDE:
            raise self._unexpected("an expression", token)
        return self._column(token.written, token.at)

    def _column(self, name: str, at: int) -> Node:
        if self._is("."):
            raise ExpressionError(f"`{name}.…`: write a column without its table", at=at)
        tree: Node = Name(name, at=at)
        for operator in ARROWS:
            arrow = self._peek
            if self._skip(operator):
                path = self._next()
                if path.kind is not Kind.STRING:
                    raise ExpressionError(f"{operator} takes a path in quotes", at=path.at)
                value = Literal(path.text, at=path.at)
                tree = Call("JSON_EXTRACT", (tree, value), operator, at=arrow.at)
                return Call("JSON_UNQUOTE", (tree,), at=arrow.at) if operator == "->>" else tree
        return tree

    def _function(self, token: Token) -> Node:
        name = ALIASES.get(token.text, token.text)
        if name in NOT_DETERMINISTIC:
            raise _not_deterministic(token)
        if name not in FUNCTIONS:
            what = f"the function {name} is outside the subset"
            raise ExpressionError(what, instead_of(name), at=token.at)
        if name == "TRIM":
            return self._trim(token.at)
        arguments = self._arguments(name)
        if wrong := miscounted(name, len(arguments)):
            raise ExpressionError(wrong, at=token.at)
        if name == "MOD":
            name = "%"
        return Call(name, tuple(arguments), at=token.at)

    def _arguments(self, name: str) -> list[Node]:
        self._expect("(")
        if self._skip(")"):
            return []
        arguments = [self._expression()]
        separators = {2: "FROM", 3: "FOR"} if name == "SUBSTRING" else {}
        while self._skip(",") or self._skip(separators.get(len(arguments) + 1, ",")):
            arguments.append(self._expression())
        self._expect(")", ",")
        return arguments

    def _trim(self, at: int) -> Node:
        self._expect("(")
        side = self._peek.text if self._peek.kind is Kind.WORD else ""
        if side in ("BOTH", "LEADING", "TRAILING"):
            self._next()
        else:
            side = ""
        first: Node = Literal(" ") if side and self._is("FROM") else self._expression()
        if self._skip("FROM"):
            tree = Call("TRIM", (self._expression(), first), side or "BOTH", at=at)
        elif side:
            raise self._unexpected("FROM")
        else:
            tree = Call("TRIM", (first, Literal(" ")), "BOTH", at=at)
        self._expect(")")
        return tree

    def _case(self) -> Node:
        at = self._before.at
        parts = [] if self._is("WHEN") else [self._expression()]
        name = "CASE OF" if parts else "CASE"
        while self._skip("WHEN"):
            parts.append(self._expression())
            self._expect("THEN")
            parts.append(self._expression())
        if len(parts) < 2:
            raise self._unexpected("WHEN")
        has_else = self._skip("ELSE")
        parts.append(self._expression() if has_else else Literal(None))
        self._expect("END", *(() if has_else else ("WHEN", "ELSE")))
        return Call(name, tuple(parts), at=at)

    def _cast(self) -> Node:
        at = self._before.at
        self._expect("(")
        argument = self._expression()
        self._expect("AS")
        tree = self._target(argument, at)
        self._expect(")")
        return tree

    def _target(self, argument: Node, at: int) -> Node:
        token = self._next()
        if token.text not in CASTS:
            if token.kind is Kind.END or token.text == ")":
                raise self._unexpected("a type", token)
            what = f"CAST AS {token.written} is outside the subset"
            raise ExpressionError(what, f"write one of {', '.join(CASTS)}", at=token.at)
        sized = self._peek
        sizes = self._sizes() if self._is("(") else ()
        if len(sizes) > CASTS[token.text]:
            most = f"at most {CASTS[token.text]}" if CASTS[token.text] else "no"
            what = f"CAST AS {token.text} takes {most} size{'s' * (CASTS[token.text] > 1)}"
            raise ExpressionError(what, at=sized.at)
        charset = ""
        if token.text == "CHAR" and (
            self._skip("CHARACTER", "SET") or self._skip("CHARACTER SET") or self._skip("CHARSET")
        ):
            charset = self._word_of("a charset").text.lower()
        elif token.text in ("SIGNED", "UNSIGNED"):
            self._skip("INTEGER") or self._skip("INT")
        return Cast(argument, token.text, sizes, charset, at=at)

    def _sizes(self) -> tuple[int, ...]:
        at = self._peek.at
        sizes = self._list(self._primary)
        values = [one.value for one in sizes if isinstance(one, Literal)]
        found = tuple(one for one in values if type(one) is int)
        if len(found) != len(sizes):
            raise ExpressionError("a size is a whole number", at=at)
        return found

    def _convert(self) -> Node:
        at = self._before.at
        self._expect("(")
        argument = self._expression()
        if self._skip("USING"):
            charset = self._word_of("a charset").text.lower()
            tree: Node = Cast(argument, "CHAR", (), charset, at=at)
        else:
            self._expect(",", "USING")
            tree = self._target(argument, at)
        self._expect(")")
        return tree


WORDS: Final[dict[str, Callable[[_Parser], Node]]] = {
    "CASE": _Parser._case,
    "CAST": _Parser._cast,
    "CONVERT": _Parser._convert,
    "FALSE": lambda _: Literal(False),
    "NULL": lambda _: Literal(None),
    "TRUE": lambda _: Literal(True),
}
SYMBOLS: Final[dict[str, Callable[[_Parser], Node]]] = {
    "(": _Parser._bracketed,
    "-": _Parser._minus,
    "+": _Parser._plus,
    "!": _Parser._bang,
}


def _quoted(text: str) -> str:
    return text if text.isalpha() else f"`{text}`"


def _not_deterministic(token: Token) -> ExpressionError:
    what = f"{token.text} has another value each time, so a replay would change rows"
    return ExpressionError(what, at=token.at)


def _number(token: Token) -> int | Decimal | float:
    text = token.text
    if "e" in text.lower():
        if isinf(found := float(text)):  # the servers refuse it, too
            raise ExpressionError(f"{token.written} is beyond the numbers of a DOUBLE", at=token.at)
        return found
    if "." in text or Decimal(text) > MAX_UNSIGNED:
        return Decimal(text)
    return int(text)
