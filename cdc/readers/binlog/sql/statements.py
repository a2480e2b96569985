"""Classifies statements in the binlog.

The few statements that matter are recognised by their first words. One that cannot be read, as the
tokenizer may know less than the server, matters only if it may be about a followed table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from cdc.model.transaction import ANY_TABLE, Effect, SchemaChange, TableChange
from cdc.readers.binlog.sql import alter
from cdc.readers.binlog.sql.query_status import NO_BACKSLASH_ESCAPES
from cdc.readers.binlog.sql.tokens import Session, TableName, TokenCursor
from cdc.readers.binlog.sql.written_tables import UNTOLD, Writes, written


class Role(Enum):
    """The effect of a statement on the transaction that it stands in."""

    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SAVEPOINT = auto()
    ROLLBACK_TO = auto()
    DATA = auto()
    SCHEMA = auto()
    UNREADABLE = auto()
    """It begins like one about tables; `names` may be theirs."""
    OTHER = auto()
    """It is known to change no rows."""
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """A classified statement, with the details of its role.

    `fills`: it is CREATE … SELECT, and nothing else logs the rows that it makes.
    """

    role: Role
    change: SchemaChange | None = None
    savepoint: str = ""
    names: tuple[TableName, ...] = ()
    writes: Writes = UNTOLD
    fills: bool = False

    def changing(self, change: SchemaChange) -> Statement:
        """Return the statement with another description of its effect on tables."""
        return replace(self, change=change)


_BEGIN, _COMMIT, _ROLLBACK = Statement(Role.BEGIN), Statement(Role.COMMIT), Statement(Role.ROLLBACK)
OTHER, _UNKNOWN = Statement(Role.OTHER), Statement(Role.UNKNOWN)
_DATA = Statement(Role.DATA)
_PLAIN: Final = {b"BEGIN": _BEGIN, b"COMMIT": _COMMIT, b"ROLLBACK": _ROLLBACK}
_DATA_WORDS: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "WITH", "SELECT", "DO", "IMPORT"}
)
_HARMLESS_WORDS: Final = frozenset(
    [
        "FLUSH",
        "GRANT",
        "REVOKE",
        "RELEASE",
        "OPTIMIZE",
        "REPAIR",
        "CHECK",
        "CHECKSUM",
        "CACHE",
        "INSTALL",
        "UNINSTALL",
        "PURGE",
        "RESET",
        "STOP",
        "CHANGE",
        "LOCK",
        "UNLOCK",
        "USE",
        "SHOW",
        "SHUTDOWN",
        "RESTART",
        "KILL",
        "SIGNAL",
        "BACKUP",
    ]
)
"""Statements that begin so change no rows."""

_PIECES: Final = {
    mode: re.compile(
        rf"""'(?:[^'{escape}]++{escaped})*+'|"(?:[^"{escape}]++{escaped})*+"|`[^`]*`"""
        r"|/\*M?!\d*(?P<executed>.*?)\*/|/\*.*?\*/|(?:--\s|#)[^\n]*",
        re.DOTALL,
    )
    for mode, escape, escaped in ((0, r"\\", r"|\\."), (NO_BACKSLASH_ESCAPES, "", ""))
}
"""Quotes and comments, of which the server executes some; by the relevant mode."""
_SPACE: Final = r"(?:\s|\(|/\*.*?\*/|(?:--\s|#)[^\n]*(?:\n|$))*"
_FIRST_WORD: Final = re.compile(_SPACE + r"(\w+)", re.DOTALL)
_ONLY_COMMENTS: Final = re.compile(_SPACE, re.DOTALL)
_ABOUT_TABLES: Final = frozenset({"TRUNCATE", "DROP", "CREATE", "RENAME", "ALTER", "SET"})
_SAYS_TABLE: Final = re.compile(
    r"(?:\W+\w+){0,5}?\W+(?:TABLES?|DATABASE|SCHEMA|TRUNCATE)\b", re.IGNORECASE
)
_ONE: Final = r"(?:`([^`]+)`|\"([^\"]+)\"|([\w$]+))"
_NAME: Final = re.compile(rf"{_ONE}(?:\s*\.\s*{_ONE})?")


def classify(statement: bytes, schema: bytes, sql_mode: int = 0) -> Statement:
    """Classify `statement`, run with `schema` as its default schema, under `sql_mode`."""
    known = _PLAIN.get(statement)
    if known is not None:
        return known
    text = _executed(statement, sql_mode)
    return _classified(text, Session(schema.decode("utf-8", "replace"), sql_mode))


def first_word(statement: bytes) -> str:
    """Return a statement's first word, in upper case; empty if SQL has no such word."""
    first = _FIRST_WORD.match(_executed(statement, 0))
    word = first[1].upper() if first else ""
    return word if word in _CLASSIFIERS or word in _DATA_WORDS else ""


def _executed(statement: bytes, sql_mode: int) -> str:
    """Return a statement's text with executable comments laid open.

    Some clients also send the NUL that ends their own texts; servers overlook it.
    """
    text = statement.decode("utf-8", "replace").rstrip("\0")
    if "/*" not in text:
        return text

    def opened(piece: re.Match[str]) -> str:
        inside: str | None = piece["executed"]
        return piece[0] if inside is None else f" {inside} "

    return _PIECES[sql_mode & NO_BACKSLASH_ESCAPES].sub(opened, text)


def _classified(text: str, session: Session) -> Statement:
    first = _FIRST_WORD.match(text)
    if first is None:
        return OTHER if _ONLY_COMMENTS.fullmatch(text) else _UNKNOWN
    verb = first[1].upper()
    classifier = _CLASSIFIERS.get(verb)
    if classifier is None and verb not in _DATA_WORDS:
        return _UNKNOWN
    rest = text[first.end() :]
    words = TokenCursor.of(rest, session)
    if words is None:
        return _unreadable(verb, rest, session.schema)
    return classifier(words) if classifier else Statement(Role.DATA, writes=written(verb, words))


def _unreadable(verb: str, rest: str, schema: str) -> Statement:
    if verb not in _ABOUT_TABLES or (verb != "TRUNCATE" and not _SAYS_TABLE.match(rest)):
        return OTHER if verb not in _DATA_WORDS else _DATA
    names = [tuple(filter(None, each.groups())) for each in _NAME.finditer(rest)]
    return Statement(
        Role.UNREADABLE,
        names=tuple((name[0], name[1]) if len(name) > 1 else (schema, name[0]) for name in names),
    )


def _other(_: TokenCursor) -> Statement:
    return OTHER


def _begin(_: TokenCursor) -> Statement:
    return _BEGIN


def _commit(_: TokenCursor) -> Statement:
    return _COMMIT


def _start(words: TokenCursor) -> Statement:
    return _BEGIN if words.skip("TRANSACTION") else OTHER


def _savepoint(words: TokenCursor) -> Statement:
    return Statement(Role.SAVEPOINT, savepoint=words.name())


def _rollback(words: TokenCursor) -> Statement:
    words.skip("WORK")
    if not words.skip("TO"):
        return _ROLLBACK
    words.skip("SAVEPOINT")
    return Statement(Role.ROLLBACK_TO, savepoint=words.name())


def _xa(words: TokenCursor) -> Statement:
    return _BEGIN if words.skip("START") or words.skip("BEGIN") else OTHER


def _truncate(words: TokenCursor) -> Statement:
    words.skip("TABLE")
    return _schema("TRUNCATE", TableChange(*words.table(), Effect.EMPTIED))


def _drop(words: TokenCursor) -> Statement:
    if words.skip_one_of("DATABASE", "SCHEMA"):
        words.skip("IF", "EXISTS")
        return _schema("DROP", TableChange(words.name(), ANY_TABLE, Effect.REMOVED))
    if not words.skip_one_of("TABLE", "TABLES"):
        return OTHER
    words.skip("IF", "EXISTS")
    return _schema("DROP", *(TableChange(*each, Effect.REMOVED) for each in words.tables()))


def _create(words: TokenCursor) -> Statement:
    replaces = words.skip("OR", "REPLACE")
    if replaces and words.skip_one_of("DATABASE", "SCHEMA"):
        return _schema("CREATE", TableChange(words.name(), ANY_TABLE, Effect.REMOVED))
    if replaces and words.skip("SEQUENCE"):  # it can also take a table's place
        return _schema("CREATE", TableChange(*words.table(), Effect.REMOVED))
    if not words.skip("TABLE"):
        return OTHER
    may_be_there = words.skip("IF", "NOT", "EXISTS")  # MySQL logs it even if nothing was made
    table = words.table()
    effect = Effect.EMPTIED if replaces else Effect.CREATED
    unfit = alter.fitness(table, words.outside().until("SELECT", "AS", "LIKE"), words)
    changes = (TableChange(*table, effect), *unfit)
    made = tuple(each._replace(doubtful=may_be_there) for each in changes)
    return replace(_schema("CREATE", *made), fills=_is_filled(words))


def _is_filled(words: TokenCursor) -> bool:
    """Return whether a query stands behind the definition; its rows never come as rows events."""
    rows = words.contains("VALUES", "(") or words.contains("VALUES", "ROW")
    return rows or words.contains("SELECT") or words.contains("TABLE")


def _rename(words: TokenCursor) -> Statement:
    if not words.skip_one_of("TABLE", "TABLES"):
        return OTHER
    may_be_away = words.skip("IF", "EXISTS")
    renamed = (each._replace(doubtful=may_be_away) for each in _renamed(words))
    return _schema("RENAME", *renamed)


def _renamed(words: TokenCursor) -> Iterator[TableChange]:
    """Follow the tables through the renames, which run from left to right."""
    stands_for: dict[TableName, TableName | None] = {}
    for part in words.parts():
        old = part.table()
        if part.seek("TO"):
            stands_for[part.table()] = stands_for.get(old, old)
            stands_for[old] = None
    for name, table in stands_for.items():
        if table is None:
            yield TableChange(*name, Effect.REMOVED)
        elif table != name:
            yield TableChange(*name, Effect.BROUGHT_IN)


def _alter(words: TokenCursor) -> Statement:
    words.skip("ONLINE")
    ignoring = words.skip("IGNORE")
    if not words.skip("TABLE"):
        return OTHER
    changes = alter.rewritten(words) if ignoring else alter.changes(words)
    return _schema("ALTER", *changes)


def _schema(verb: str, *tables: TableChange) -> Statement:
    return Statement(Role.SCHEMA, SchemaChange(verb, tables))


def _set(words: TokenCursor) -> Statement:
    """MariaDB's `SET STATEMENT variable = value FOR statement`."""
    if words.skip("STATEMENT") and words.seek("FOR"):
        return _classified(words.rest(), words.session)
    return OTHER


def _analyze(words: TokenCursor) -> Statement:
    """MariaDB's `ANALYZE [FORMAT = JSON] UPDATE …` runs what it analyzes."""
    if words.skip_one_of("TABLE", "LOCAL", "NO_WRITE_TO_BINLOG"):
        return OTHER
    words.skip("FORMAT", "=", "JSON")
    return Statement(Role.DATA, writes=written(words.take(), words))


_CLASSIFIERS: Final[dict[str, Callable[[TokenCursor], Statement]]] = {
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
    **dict.fromkeys(_HARMLESS_WORDS, _other),
}
