"""What a statement in the binlog means for the stream.

sqlglot's tokenizer reads it, so quotes, comments and odd white space are no concern; the few
statements that matter are recognised by their first words. A statement that cannot be read and
does not begin like one that matters is of no concern either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cdc.changes import SchemaChangeKind


class Role(Enum):
    """What a statement does to the transaction that it stands in."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SAVEPOINT = auto()
    ROLLBACK_TO = auto()
    DATA = auto()
    SCHEMA = auto()
    OTHER = auto()


ANY_TABLE: Final = "*"
"""Stands for every table of a schema: DROP DATABASE."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A classified statement; `tables` as in `SchemaChange`, `savepoint` its name."""

    role: Role
    change: SchemaChangeKind | None = None
    tables: tuple[tuple[str, str], ...] = ()
    savepoint: str = ""


_BEGIN, _COMMIT, _ROLLBACK = Statement(Role.BEGIN), Statement(Role.COMMIT), Statement(Role.ROLLBACK)
_OTHER = Statement(Role.OTHER)
_DATA = Statement(Role.DATA)
_PLAIN: Final = {b"BEGIN": _BEGIN, b"COMMIT": _COMMIT, b"ROLLBACK": _ROLLBACK}
_DATA_WORDS: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "WITH", "SELECT", "DO", "IMPORT"}
)
_VERSION_COMMENT: Final = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)
_FIRST_WORD: Final = re.compile(r"(?:\s|\(|/\*.*?\*/|(?:--\s|#)[^\n]*\n)*(\w+)", re.DOTALL)


def classify(statement: bytes, schema: bytes) -> Statement:
    """Classify `statement`, run with `schema` as its default schema."""
    known = _PLAIN.get(statement)
    if known is not None:
        return known
    text = _VERSION_COMMENT.sub(r" \1 ", statement.decode("utf-8", "replace"))
    return _classified(text, schema.decode("utf-8", "replace"))


def _classified(text: str, schema: str) -> Statement:
    first = _FIRST_WORD.match(text)
    if first is None or (classifier := _CLASSIFIERS.get(first[1].upper())) is None:
        return _OTHER
    return classifier(_Words(text[first.end() :], schema))


def _tokens(text: str) -> list[Token]:
    try:
        return MySQL().tokenize(text)
    except SqlglotError:
        return []


class _Words:
    """A cursor over a statement's tokens."""

    def __init__(self, text: str, schema: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self.schema = schema
        self._at = 0

    def _peek(self) -> str:
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return _keyword(token)

    def take(self) -> str:
        word = self._peek()
        self._at += 1
        return word

    def skip(self, *words: str) -> bool:
        """Step over `words` where they come next, in this order; tell whether they did."""
        before = self._at
        for word in words:
            if self.take() != word:
                self._at = before
                return False
        return True

    def name(self) -> str:
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        self._at += 1
        return token.text

    def table(self) -> tuple[str, str]:
        first = self.name()
        if self.skip("."):
            return first, self.name()
        if first.count(".") == 1:  # the tokenizer takes `1.2`-like names as numbers
            schema, _, table = first.partition(".")
            return schema, table
        return self.schema, first

    def tables(self, separator: str = ",") -> tuple[tuple[str, str], ...]:
        found = [self.table()]
        while self.skip(separator):
            found.append(self.table())
        return tuple(found)

    def contains(self, *words: str) -> bool:
        rest = [_keyword(token) for token in self._tokens[self._at :]]
        return any(rest[at : at + len(words)] == list(words) for at in range(len(rest)))

    def seek(self, word: str) -> bool:
        while self._at < len(self._tokens):
            if self.take() == word:
                return True
        return False

    def rest(self) -> str:
        """Return what follows, as text."""
        return self._text[self._tokens[self._at].start :] if self._at < len(self._tokens) else ""


def _keyword(token: Token) -> str:
    quoted = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
    return "" if quoted else token.text.upper()


def _data(_: _Words) -> Statement:
    return _DATA


def _begin(_: _Words) -> Statement:
    return _BEGIN


def _commit(_: _Words) -> Statement:
    return _COMMIT


def _start(words: _Words) -> Statement:
    return _BEGIN if words.skip("TRANSACTION") else _OTHER


def _savepoint(words: _Words) -> Statement:
    return Statement(Role.SAVEPOINT, savepoint=words.name())


def _rollback(words: _Words) -> Statement:
    words.skip("WORK")
    if not words.skip("TO"):
        return _ROLLBACK
    words.skip("SAVEPOINT")
    return Statement(Role.ROLLBACK_TO, savepoint=words.name())


def _xa(words: _Words) -> Statement:
    return _BEGIN if words.skip("START") or words.skip("BEGIN") else _OTHER


def _truncate(words: _Words) -> Statement:
    words.skip("TABLE")
    return Statement(Role.SCHEMA, SchemaChangeKind.TRUNCATE, (words.table(),))


def _drop(words: _Words) -> Statement:
    if words.skip("DATABASE") or words.skip("SCHEMA"):
        words.skip("IF", "EXISTS")
        return Statement(Role.SCHEMA, SchemaChangeKind.DROP, ((words.name(), ANY_TABLE),))
    if not (words.skip("TABLE") or words.skip("TABLES")):
        return _OTHER
    words.skip("IF", "EXISTS")
    return Statement(Role.SCHEMA, SchemaChangeKind.DROP, words.tables())


def _create(words: _Words) -> Statement:
    drops = words.skip("OR", "REPLACE")
    if not words.skip("TABLE"):
        return _OTHER
    words.skip("IF", "NOT", "EXISTS")
    kind = SchemaChangeKind.DROP if drops else SchemaChangeKind.CREATE
    return Statement(Role.SCHEMA, kind, (words.table(),))


def _set(words: _Words) -> Statement:
    """MariaDB's `SET STATEMENT variable = value FOR statement`."""
    if words.skip("STATEMENT") and words.seek("FOR"):
        return _classified(words.rest(), words.schema)
    return _OTHER


def _analyze(words: _Words) -> Statement:
    """MariaDB's `ANALYZE [FORMAT = JSON] UPDATE …` runs what it analyzes."""
    tables = any(words.skip(*each) for each in (("TABLE",), ("LOCAL",), ("NO_WRITE_TO_BINLOG",)))
    return _OTHER if tables else _DATA


def _rename(words: _Words) -> Statement:
    if not (words.skip("TABLE") or words.skip("TABLES")):
        return _OTHER
    words.skip("IF", "EXISTS")
    tables: list[tuple[str, str]] = []
    while True:
        tables.append(words.table())
        if not words.seek("TO"):
            break
        tables.append(words.table())
        if not words.skip(","):
            break
    return Statement(Role.SCHEMA, SchemaChangeKind.RENAME, tuple(tables))


def _alter(words: _Words) -> Statement:
    words.skip("ONLINE")
    words.skip("IGNORE")
    if not words.skip("TABLE"):
        return _OTHER
    words.skip("IF", "EXISTS")
    table = words.table()
    if any(words.contains(*each) for each in _REMOVES_ROWS):
        return Statement(Role.SCHEMA, SchemaChangeKind.TRUNCATE, (table,))
    if words.contains("EXCHANGE", "PARTITION"):
        words.seek("WITH")
        words.skip("TABLE")
        return Statement(Role.SCHEMA, SchemaChangeKind.TRUNCATE, (table, words.table()))
    if words.contains("CONVERT", "TABLE"):
        words.seek("TABLE")
        return Statement(Role.SCHEMA, SchemaChangeKind.TRUNCATE, (table, words.table()))
    if _seek_rename(words):
        _ = words.skip("TO") or words.skip("AS")
        return Statement(Role.SCHEMA, SchemaChangeKind.RENAME, (table, words.table()))
    return Statement(Role.SCHEMA, SchemaChangeKind.ALTER, (table,))


def _seek_rename(words: _Words) -> bool:
    """Step behind the RENAME of the table itself; tell whether there is one."""
    while words.seek("RENAME"):
        if not any(words.skip(what) for what in ("COLUMN", "INDEX", "KEY")):
            return True
    return False


_REMOVES_ROWS: Final = (
    ("TRUNCATE", "PARTITION"),
    ("DROP", "PARTITION"),
    ("CONVERT", "PARTITION"),
    ("DISCARD", "PARTITION"),
    ("DISCARD", "TABLESPACE"),
    ("IMPORT", "PARTITION"),
    ("IMPORT", "TABLESPACE"),
)

_CLASSIFIERS: Final[dict[str, Callable[[_Words], Statement]]] = {
    "BEGIN": _begin,
    "START": _start,
    "COMMIT": _commit,
    "ROLLBACK": _rollback,
    "SAVEPOINT": _savepoint,
    "XA": _xa,
    "TRUNCATE": _truncate,
    "DROP": _drop,
    "CREATE": _create,
    "RENAME": _rename,
    "ALTER": _alter,
    "ANALYZE": _analyze,
    "SET": _set,
    **dict.fromkeys(_DATA_WORDS, _data),
}
