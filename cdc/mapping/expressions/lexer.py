"""Splits an expression into tokens with sqlglot's MySQL tokenizer.

Its tokens have their offsets; a literal's meaning is read from the text itself, as the servers read
it with `sql_mode = ''`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token as RawToken
from sqlglot.tokenizer_core import TokenType

from cdc.mapping.expressions.errors import ExpressionError


class Kind(Enum):
    """The kind of a token."""

    NUMBER = auto()
    STRING = auto()
    BYTES = auto()
    NAME = auto()
    WORD = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `text` is upper-case for words, and the meaning of a literal or quoted name."""

    kind: Kind
    text: str
    written: str


END: Final = Token(Kind.END, "", "the end")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_WORD: Final = re.compile(r"[^\W\d]\w*|\$[\w$]+")
_NUMBER: Final = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_VERSION_COMMENT: Final = re.compile(r"M?!")
_REFUSED: Final = {
    TokenType.NATIONAL_STRING: "N'…'",
    TokenType.INTRODUCER: "a charset introducer",
    TokenType.BIT_STRING: "a bit literal",
    TokenType.PARAMETER: "a variable",
    TokenType.SESSION_PARAMETER: "a variable",
}


def tokens(sql: str) -> list[Token]:
    """Return the tokens of `sql`; raises ExpressionError for text that cannot be split."""
    try:
        raw = MySQL().tokenize(sql)
    except SqlglotError as error:
        raise ExpressionError(f"not SQL: {error}") from error
    if any(_VERSION_COMMENT.match(comment) for token in raw for comment in token.comments):
        raise ExpressionError("a comment that some servers run is not supported")
    return [*_joined([_token(one) for one in _mended(raw, sql)]), END]


def _mended(raw: list[RawToken], sql: str) -> list[tuple[TokenType, str]]:
    """Return types and texts; joins `.5`, which sqlglot splits in two."""
    found: list[tuple[TokenType, str]] = []
    end = -1
    for token in raw:
        text = sql[token.start : token.end + 1]
        if (
            found
            and found[-1][1] == "."
            and token.token_type is TokenType.NUMBER
            and token.start == end + 1
        ):
            found[-1] = (TokenType.NUMBER, "." + text)
        else:
            found.append((token.token_type, text))
        end = token.end
    return found


def _token(found: tuple[TokenType, str]) -> Token:
    kind, text = found
    if kind in _REFUSED:
        raise ExpressionError(f"{_REFUSED[kind]} ({text}) is not supported")
    if kind is TokenType.STRING:
        return Token(Kind.STRING, _unquoted(text), text)
    if kind is TokenType.HEX_STRING:
        return Token(Kind.BYTES, _hex(text), text)
    if kind is TokenType.IDENTIFIER:
        return Token(Kind.NAME, text[1:-1].replace("``", "`"), text)
    if kind is TokenType.NUMBER:
        return _number(text)
    if _WORD.fullmatch(text):
        return Token(Kind.WORD, text.upper(), text)
    return Token(Kind.SYMBOL, " ".join(text.upper().split()), text)


def _number(text: str) -> Token:
    if not _NUMBER.fullmatch(text):
        raise ExpressionError(f"{text} is no number")
    return Token(Kind.NUMBER, text, text)


def _unquoted(text: str) -> str:
    """Return the meaning of a quoted string; `\\%` and `\\_` keep their backslash (for LIKE)."""
    quote = text[0]
    return re.sub(r"\\.|" + quote * 2, _character, text[1:-1], flags=re.DOTALL)


def _character(match: re.Match[str]) -> str:
    text = match[0]
    if text in (r"\%", r"\_"):
        return text
    return _ESCAPED.get(text[1], text[1])


def _hex(text: str) -> str:
    digits = text[2:] if text[:2].lower() == "0x" else text[2:-1]
    return digits.rjust(len(digits) + len(digits) % 2, "0")


def _joined(found: list[Token]) -> list[Token]:
    """Join neighbouring strings, as SQL does."""
    joined: list[Token] = []
    for token in found:
        if joined and token.kind is joined[-1].kind is Kind.STRING:
            last = joined.pop()
            token = Token(Kind.STRING, last.text + token.text, f"{last.written} {token.written}")
        joined.append(token)
    return joined
