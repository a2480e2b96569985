"""Parses an expression with MySQL's own precedence.

sqlglot finds the tokens; the grammar is that of `expr` in MySQL's `sql/sql_yacc.yy`, since
sqlglot's parser reads some operators differently from the servers (docs/decisions/,
`expression-grammar`). What is outside the subset is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.lexer import END, Kind, Token, tokens
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
    REMEDIES,
    RESERVED,
)

MAX_DEPTH: Final = 24
"""The limit of nesting: the generated code must not exhaust Python's parser."""
MAX_HEIGHT: Final = 150
"""The limit of an operator row's height; operators in a row need no brackets."""
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
        if self._tokens[0] is END:
            raise ExpressionError("the expression is empty")
        tree = self._expression()
        if self._peek is not END:
            raise self._unexpected()
        if height(tree) > MAX_HEIGHT:
            raise ExpressionError(f"it takes more than {MAX_HEIGHT} steps, one after the other")
        return tree

    @property
    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek
        self._at += token is not END
        return token

    def _is(self, *texts: str) -> bool:
        """Return whether `texts` come next."""
        ahead = self._tokens[self._at : self._at + len(texts)]
        return [one.text for one in ahead if one.kind in (Kind.WORD, Kind.SYMBOL)] == [*texts]

    def _skip(self, *texts: str) -> bool:
        found = self._is(*texts)
        self._at += len(texts) if found else 0
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._unexpected(f"{text} expected")

    def _unexpected(self, expected: str = "") -> ExpressionError:
        token = self._peek
        if token.text in OUTSIDE and token.kind is not Kind.STRING:
            return ExpressionError(f"{token.written} is outside the subset")
        if token.text in ARROWS:
            return ExpressionError(
                f"{token.written} stands behind a column only", "write JSON_EXTRACT(…, '$.path')"
            )
        what = f"unexpected {token.written}"
        return ExpressionError(f"{what}, {expected}" if expected else what)

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"it nests deeper than {MAX_DEPTH} levels")
        tree = self._row(self._xor, "OR", "||")
        self._depth -= 1
        return tree

    def _xor(self) -> Node:
        return self._row(self._and, "XOR")

    def _and(self) -> Node:
        return self._row(self._not, "AND", "&&")

    def _row(self, operand: Callable[[], Node], name: str, sign: str = "") -> Node:
        """Parse operands of an operator that is associative."""
        operands = [operand()]
        while self._skip(name) or (sign and self._skip(sign)):
            operands.append(operand())
        return balanced(operands, lambda one, other: Call(name, (one, other)))

    def _not(self) -> Node:
        if self._skip("NOT"):
            return Call("NOT", (self._nested(self._not),))
        return self._is_truth(self._comparison())

    def _nested(self, parse: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"it nests deeper than {MAX_DEPTH} levels")
        tree = parse()
        self._depth -= 1
        return tree

    def _is_truth(self, tree: Node) -> Node:
        if not self._skip("IS"):
            return tree
        negated = self._skip("NOT")
        word = self._next().text
        if word not in ("TRUE", "FALSE", "UNKNOWN"):
            self._at -= 1
            raise self._unexpected("TRUE, FALSE, UNKNOWN or NULL expected")
        tree = Call("IS NULL" if word == "UNKNOWN" else f"IS {word}", (tree,))
        return Call("NOT", (tree,)) if negated else tree

    def _comparison(self) -> Node:
        tree = self._predicate()
        while True:
            if self._skip("IS", "NULL"):
                tree = Call("IS NULL", (tree,))
            elif self._skip("IS", "NOT", "NULL"):
                tree = Call("NOT", (Call("IS NULL", (tree,)),))
            elif self._peek.kind is Kind.SYMBOL and self._peek.text in COMPARISONS:
                operator = COMPARISONS[self._next().text]
                tree = Call(operator, (tree, self._predicate()))
            else:
                return tree

    def _predicate(self) -> Node:
        tree = self._sum()
        negated = self._skip("NOT")
        if self._skip("IN"):
            tree = Call("IN", (tree, *self._list(self._expression)))
        elif self._skip("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            tree = Call("BETWEEN", (tree, low, self._predicate()))
        elif self._skip("LIKE"):
            tree = self._like(tree)
        elif negated:
            raise self._unexpected("IN, BETWEEN or LIKE expected")
        return Call("NOT", (tree,)) if negated else tree

    def _like(self, tree: Node) -> Node:
        pattern = self._simple()
        escape = self._simple() if self._skip("ESCAPE") else Literal("\\")
        return Call("LIKE", (tree, pattern, escape))

    def _list(self, item: Callable[[], Node]) -> list[Node]:
        self._expect("(")
        items = [item()]
        while self._skip(","):
            items.append(item())
        self._expect(")")
        return items

    def _sum(self, loosest: int = 1) -> Node:
        tree = self._simple()
        while (
            self._peek.kind in (Kind.WORD, Kind.SYMBOL)
            and BINARY.get(self._peek.text, 0) >= loosest
        ):
            operator = self._next().text
            right = self._sum(BINARY[operator] + 1)
            tree = Call("%" if operator == "MOD" else operator, (tree, right))
        return tree

    def _simple(self) -> Node:
        tree = self._primary()
        while self._skip("COLLATE"):
            tree = Call("COLLATE", (tree,), self._next().text.lower())
        return tree

    def _primary(self) -> Node:
        token = self._next()
        match token.kind:
            case Kind.NUMBER:
                return Literal(_number(token.text))
            case Kind.STRING:
                return Literal(token.text)
            case Kind.BYTES:
                return Literal(bytes.fromhex(token.text))
            case Kind.NAME:
                return self._column(token.text)
            case Kind.WORD:
                return self._word(token)
            case Kind.SYMBOL if token.text in SYMBOLS:
                return SYMBOLS[token.text](self)
        self._at -= token is not END
        raise self._unexpected()

    def _bracketed(self) -> Node:
        tree = self._expression()
        self._expect(")")
        return tree

    def _minus(self) -> Node:
        operand = self._nested(self._simple)
        match operand:
            case Literal(Decimal() as value):
                return Literal(value.copy_negate())
            case Literal(int() | float() as value) if not isinstance(value, bool):
                return Literal(-value)
        return Call("NEGATE", (operand,))

    def _plus(self) -> Node:
        return self._nested(self._simple)

    def _bang(self) -> Node:
        return Call("NOT", (self._nested(self._simple),))

    def _word(self, token: Token) -> Node:
        if token.text in WORDS:
            return WORDS[token.text](self)
        if token.text in ("DATE", "TIMESTAMP") and self._peek.kind is Kind.STRING:
            return Call("TEMPORAL", (Literal(self._next().text),), token.text)
        if self._is("("):
            return self._function(token)
        if token.text in NOT_DETERMINISTIC:
            raise _not_deterministic(token.text)
        if token.text in RESERVED or token.text in OUTSIDE:
            self._at -= 1
            raise self._unexpected()
        return self._column(token.written)

    def _column(self, name: str) -> Node:
        if self._is("."):
            raise ExpressionError(f"`{name}.…`: write a column without its table")
        tree: Node = Name(name)
        for operator in ARROWS:
            if self._skip(operator):
                path = self._next()
                if path.kind is not Kind.STRING:
                    raise ExpressionError(f"{operator} takes a path in quotes")
                tree = Call("JSON_EXTRACT", (tree, Literal(path.text)), operator)
                return Call("JSON_UNQUOTE", (tree,)) if operator == "->>" else tree
        return tree

    def _function(self, token: Token) -> Node:
        name = ALIASES.get(token.text, token.text)
        if name in NOT_DETERMINISTIC:
            raise _not_deterministic(name)
        if name not in FUNCTIONS:
            raise ExpressionError(f"the function {name} is outside the subset", REMEDIES.get(name))
        if name == "TRIM":
            return self._trim()
        arguments = self._arguments(name)
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            raise ExpressionError(f"{name} with {len(arguments)} arguments is outside the subset")
        if name == "MOD":
            name = "%"
        return Call(name, tuple(arguments))

    def _arguments(self, name: str) -> list[Node]:
        self._expect("(")
        if self._skip(")"):
            return []
        arguments = [self._expression()]
        separators = {2: "FROM", 3: "FOR"} if name == "SUBSTRING" else {}
        while self._skip(",") or self._skip(separators.get(len(arguments) + 1, ",")):
            arguments.append(self._expression())
        self._expect(")")
        return arguments

    def _trim(self) -> Node:
        self._expect("(")
        side = self._peek.text if self._peek.kind is Kind.WORD else ""
        if side in ("BOTH", "LEADING", "TRAILING"):
            self._next()
        else:
            side = ""
        first: Node = Literal(" ") if side and self._is("FROM") else self._expression()
        if self._skip("FROM"):
            tree = Call("TRIM", (self._expression(), first), side or "BOTH")
        elif side:
            raise self._unexpected("FROM expected")
        else:
            tree = Call("TRIM", (first, Literal(" ")), "BOTH")
        self._expect(")")
        return tree

    def _case(self) -> Node:
        parts = [] if self._is("WHEN") else [self._expression()]
        name = "CASE OF" if parts else "CASE"
        while self._skip("WHEN"):
            parts.append(self._expression())
            self._expect("THEN")
            parts.append(self._expression())
        if len(parts) < 2:
            raise self._unexpected("WHEN expected")
        parts.append(self._expression() if self._skip("ELSE") else Literal(None))
        self._expect("END")
        return Call(name, tuple(parts))

    def _cast(self) -> Node:
        self._expect("(")
        argument = self._expression()
        self._expect("AS")
        tree = self._target(argument)
        self._expect(")")
        return tree

    def _target(self, argument: Node) -> Node:
        token = self._next()
        if token.text not in CASTS:
            raise ExpressionError(f"CAST AS {token.written} is outside the subset")
        sizes = self._sizes() if self._is("(") else ()
        if len(sizes) > CASTS[token.text]:
            raise ExpressionError(f"CAST AS {token.text} takes no such size")
        charset = ""
        if token.text == "CHAR" and (
            self._skip("CHARACTER", "SET") or self._skip("CHARACTER SET") or self._skip("CHARSET")
        ):
            charset = self._next().text.lower()
        elif token.text in ("SIGNED", "UNSIGNED"):
            self._skip("INTEGER") or self._skip("INT")
        return Cast(argument, token.text, sizes, charset)

    def _sizes(self) -> tuple[int, ...]:
        sizes = self._list(self._primary)
        values = [one.value for one in sizes if isinstance(one, Literal)]
        found = tuple(one for one in values if type(one) is int)
        if len(found) != len(sizes):
            raise ExpressionError("a size is a whole number")
        return found

    def _convert(self) -> Node:
        self._expect("(")
        argument = self._expression()
        if self._skip("USING"):
            tree: Node = Cast(argument, "CHAR", (), self._next().text.lower())
        else:
            self._expect(",")
            tree = self._target(argument)
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


def _not_deterministic(name: str) -> ExpressionError:
    return ExpressionError(f"{name} has another value each time, so a replay would change rows")


def _number(text: str) -> int | Decimal | float:
    if "e" in text.lower():
        return float(text)
    if "." in text or Decimal(text) > MAX_UNSIGNED:
        return Decimal(text)
    return int(text)
