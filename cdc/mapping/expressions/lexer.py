"""Splits an expression into tokens with sqlglot's MySQL tokenizer.

Its tokens have their offsets; a literal's meaning is read from the text itself, as the servers read
it with `sql_mode = ''`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, Final

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
    """A token; `text` is upper-case for words, and the meaning of a literal or quoted name.

    `at` is its place in the expression's text, as the number of a character.
    """

    kind: Kind
    text: str
    written: str
    at: int


class _Tokenizer(MySQL.Tokenizer):
    """Splits an expression: at its beginning sqlglot would take REPLACE or CALL for a statement."""

    COMMANDS: ClassVar[set[TokenType]] = set()


_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_WORD: Final = re.compile(r"[^\W\d]\w*|\$[\w$]+")
_HEX: Final = re.compile("[0-9A-Fa-f]*")
_NUMBER: Final = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_VERSION_COMMENT: Final = re.compile(r"M?!")
_QUOTED_OR_NOT: Final = re.compile(
    r"""'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`[^`]*`|/\*.*?\*/|(?:--\s|\#)[^\n]*"""
    r"""|(?P<open>['"`]|/\*)|.""",
    re.DOTALL,
)
_OPENED: Final = {"`": "a name", "/*": "a comment"}
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
        raw = _Tokenizer(MySQL()).tokenize(sql)
    except SqlglotError as error:
        raise _not_sql(sql, error) from error
    for token in raw:
        if any(map(_VERSION_COMMENT.match, token.comments)):
            raise ExpressionError("a comment that some servers run is not supported", at=token.end)
    end = raw[-1].end + 1 if raw else 0
    found = _joined([_token(*each) for each in _mended(raw, sql)])
    return [*found, Token(Kind.END, "", "end", end)]


def _not_sql(sql: str, error: SqlglotError) -> ExpressionError:
    """Return the error of a text that cannot be split: mostly a quote has no end."""
    for found in _QUOTED_OR_NOT.finditer(sql):
        if sign := found["open"]:
            opened = _OPENED.get(sign, "a text")
            return ExpressionError(
                f"not SQL: {sign} begins {opened} that has no end", at=found.start()
            )
    return ExpressionError(f"not SQL: {error}")


def _mended(raw: list[RawToken], sql: str) -> list[tuple[TokenType, str, int]]:
    """Return types, texts and places; joins `.5`, which sqlglot splits in two."""
    found: list[tuple[TokenType, str, int]] = []
    end = -1
    for token in raw:
        text = sql[token.start : token.end + 1]
        if (
            found
            and found[-1][1] == "."
            and token.token_type is TokenType.NUMBER
            and token.start == end + 1
        ):
            found[-1] = (TokenType.NUMBER, "." + text, found[-1][2])
        else:
            found.append((token.token_type, text, token.start))
        end = token.end
    return found


def _token(kind: TokenType, text: str, at: int) -> Token:
    if kind in _REFUSED:
        raise ExpressionError(f"{_REFUSED[kind]} ({text}) is not supported", at=at)
    if kind is TokenType.STRING:
        return Token(Kind.STRING, _unquoted(text), text, at)
    if kind is TokenType.HEX_STRING:
        return Token(Kind.BYTES, _hex(text, at), text, at)
    if kind is TokenType.IDENTIFIER:
        return Token(Kind.NAME, text[1:-1].replace("``", "`"), text, at)
    if kind is TokenType.NUMBER:
        return _number(text, at)
    if _WORD.fullmatch(text):
        return Token(Kind.WORD, text.upper(), text, at)
    return Token(Kind.SYMBOL, " ".join(text.upper().split()), text, at)


def _number(text: str, at: int) -> Token:
    if not _NUMBER.fullmatch(text):
        raise ExpressionError(f"{text} is no number", at=at)
    return Token(Kind.NUMBER, text, text, at)


def _unquoted(text: str) -> str:
    """Return the meaning of a quoted string; `\\%` and `\\_` keep their backslash (for LIKE)."""
    quote = text[0]
    return re.sub(r"\\.|" + quote * 2, _character, text[1:-1], flags=re.DOTALL)


def _character(match: re.Match[str]) -> str:
    text = match[0]
    if text in (r"\%", r"\_"):
        return text
    return _ESCAPED.get(text[1], text[1])


def _hex(text: str, at: int) -> str:
    digits = text[2:] if text[:2].lower() == "0x" else text[2:-1]
    if not _HEX.fullmatch(digits):
        raise ExpressionError(f"{text} holds what is no hexadecimal digit", at=at)
    return digits.rjust(len(digits) + len(digits) % 2, "0")


def _joined(found: list[Token]) -> list[Token]:
    """Join neighbouring strings, as SQL does."""
    joined: list[Token] = []
    for token in found:
        if joined and token.kind is joined[-1].kind is Kind.STRING:
            last = joined.pop()
            written = f"{last.written} {token.written}"
            token = Token(Kind.STRING, last.text + token.text, written, last.at)
        joined.append(token)
    return joined
