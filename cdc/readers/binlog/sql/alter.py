"""The effects of ALTER TABLE on the rows of the tables that it names.

Rows events log only DML. What an ALTER does to stored values, or to the shape of a row's document,
is not logged. So only an ALTER that is known to change neither counts as UNTOUCHED. Grammars: the
manuals' pages on ALTER TABLE of MySQL 9 and MariaDB 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cdc.model.transaction import Effect, TableChange
from cdc.readers.binlog.sql.tokens import TableName, TokenCursor

_OPTION_PAIRS: Final = (
    ("DEFAULT", "CHARACTER"),
    ("DEFAULT", "CHARSET"),
    ("DEFAULT", "COLLATE"),
    ("CHARACTER", "SET"),
)
"""Options that apply only to columns to come."""

_HARMLESS: Final = (
    *_OPTION_PAIRS,
    *(("ADD", kind) for kind in ("INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL")),
    *(("ADD", kind) for kind in ("FOREIGN", "CHECK", "PARTITION")),
    *(("DROP", kind) for kind in ("INDEX", "KEY", "FOREIGN", "CHECK", "CONSTRAINT")),
    *(("ALTER", kind) for kind in ("INDEX", "KEY", "CHECK", "CONSTRAINT")),
    *(("RENAME", kind) for kind in ("INDEX", "KEY")),
    *((verb, "KEYS") for verb in ("ENABLE", "DISABLE")),
    *((verb, "PARTITION") for verb in ("COALESCE", "REORGANIZE", "ANALYZE", "CHECK", "OPTIMIZE")),
    ("REBUILD", "PARTITION"),
    ("REMOVE", "PARTITIONING"),
    ("PARTITION", "BY"),
    ("ORDER", "BY"),
    ("WITH", "VALIDATION"),
    ("WITHOUT", "VALIDATION"),
)
"""Harmless actions, by their first two words."""

_VECTOR_INDEXES: Final = tuple(("ADD", "VECTOR", sign) for sign in ("INDEX", "KEY", "("))
"""Without one of these, `vector` may be the name of a column: the word is not reserved."""

_RENAMED_PARTS: Final = frozenset({"COLUMN", "INDEX", "KEY"})

_KEY_WORDS: Final = ("PRIMARY", "KEY", "CONSTRAINT", "PERIOD", "SYSTEM", "VERSIONING")
"""With one of these, adding a column may do more than that."""

_CASCADES: Final = tuple(
    ("ON", verb, *what)
    for verb in ("DELETE", "UPDATE")
    for what in (("CASCADE",), ("SET", "NULL"), ("SET", "DEFAULT"))
)

_HARMLESS_OPTIONS: Final = frozenset(
    [
        "ALGORITHM",
        "AUTO_INCREMENT",
        "AUTOEXTEND_SIZE",
        "AVG_ROW_LENGTH",
        "CHARSET",
        "CHECKSUM",
        "COLLATE",
        "COMMENT",
        "COMPRESSION",
        "DELAY_KEY_WRITE",
        "ENCRYPTED",
        "ENCRYPTION",
        "ENCRYPTION_KEY_ID",
        "ENGINE",
        "FORCE",
        "KEY_BLOCK_SIZE",
        "LOCK",
        "MAX_ROWS",
        "MIN_ROWS",
        "NOWAIT",
        "PACK_KEYS",
        "PAGE_COMPRESSED",
        "PAGE_COMPRESSION_LEVEL",
        "ROW_FORMAT",
        "SECONDARY_ENGINE",
        "SECONDARY_LOAD",
        "SECONDARY_UNLOAD",
        "STATS_AUTO_RECALC",
        "STATS_PERSISTENT",
        "STATS_SAMPLE_PAGES",
        "TABLESPACE",
        "WAIT",
    ]
)


def changes(words: TokenCursor) -> tuple[TableChange, ...]:
    """Return the effects of an ALTER TABLE; `words` stand behind TABLE."""
    words.skip("IF", "EXISTS")
    table = words.table()
    if words.skip("WAIT"):
        words.name()
    words.skip("NOWAIT")
    parts = [part for part in words.parts() if not part.ended]
    unfit = [each for part in parts for each in fitness(table, _options(part), part)]
    harmful = [part for part in parts if not _is_harmless(part)]
    touched = [TableChange(*table, Effect.REWRITTEN, added=_added(harmful))] if harmful else []
    others = [each for part in parts for each in _others(table, part)]
    if any(each.effect is Effect.REMOVED and each[:2] == table for each in others):
        touched = []
    return (*touched, *unfit, *others) or (TableChange(*table, Effect.UNTOUCHED),)


def rewritten(words: TokenCursor) -> tuple[TableChange, ...]:
    """Return the effects of MariaDB's ALTER IGNORE TABLE: a new unique key may delete rows."""
    found = changes(words)
    return (*found, TableChange(found[0].schema, found[0].table, Effect.REWRITTEN))


def _is_harmless(part: TokenCursor) -> bool:
    two = part.ahead(2)
    first = two[0]
    if first in _HARMLESS_OPTIONS or part.ahead(3) in _VECTOR_INDEXES:
        return True
    if first == "RENAME" and _RENAMED_PARTS.isdisjoint(two):
        return True  # `_others` reports what becomes of the names
    if two == ("ADD", "CONSTRAINT"):
        return not (part.contains("PRIMARY", "KEY") or part.contains("PERIOD"))
    if first == "ALTER" and two not in _HARMLESS:
        return part.contains("SET", "DEFAULT") or part.contains("DROP", "DEFAULT")
    return two in _HARMLESS and not part.mentions("PRIMARY")


def _added(parts: list[TokenCursor]) -> frozenset[str] | None:
    """Return the columns that `parts` add; None if a part does anything else."""
    found = [_added_by(part) for part in parts]
    names = [name for each in found if each is not None for name in each]
    return None if None in found else frozenset(names)


def _added_by(part: TokenCursor) -> tuple[str, ...] | None:
    if any(part.mentions(word) for word in _KEY_WORDS):
        return None
    if not part.skip("ADD"):
        return None
    part.skip("COLUMN")
    part.skip("IF", "NOT", "EXISTS")
    if not part.skip("("):
        return (part.name().lower(),)
    return tuple(column.name().lower() for column in part.parts() if not column.ended)


def _options(part: TokenCursor) -> TokenCursor | None:
    """Return the part if it is a list of table options: elsewhere ENGINE is a column's name."""
    two = part.ahead(2)
    is_option = two[0] in _HARMLESS_OPTIONS or two in _OPTION_PAIRS
    return part.outside() if is_option else None


def fitness(
    table: TableName, options: TokenCursor | None, rest: TokenCursor
) -> Iterator[TableChange]:
    """Yield what makes the table impossible to follow, at least on some servers."""
    if options is not None and options.seek("ENGINE"):
        options.skip("=")
        engine = options.name()
        if engine.upper() != "INNODB":
            reason = f"is kept by {engine}, which has no transactions"
            yield TableChange(*table, Effect.UNFIT, reason)
    if rest.contains("ADD", "SYSTEM") or rest.contains("WITH", "SYSTEM", "VERSIONING"):
        reason = "becomes system-versioned: its DELETE is logged as an UPDATE"
        yield TableChange(*table, Effect.UNFIT, reason)
    if any(rest.contains(*each) for each in _CASCADES):
        yield TableChange(*table, Effect.CASCADING)


def _others(table: TableName, part: TokenCursor) -> Iterator[TableChange]:
    """Yield the effects on other tables, and on the name of this one."""
    first = part.take()
    if first == "RENAME" and part.peek() not in _RENAMED_PARTS:
        part.skip_one_of("TO", "AS", "=")
        renamed = part.table()
        if renamed != table:
            yield TableChange(*table, Effect.REMOVED)
            yield TableChange(*renamed, Effect.BROUGHT_IN)
    elif first == "EXCHANGE" and part.seek("TABLE"):
        yield TableChange(*part.table(), Effect.REWRITTEN)
    elif first == "CONVERT" and part.skip("TABLE"):
        yield TableChange(*part.table(), Effect.REMOVED)
    elif first == "CONVERT" and part.skip("PARTITION") and part.seek("TABLE"):
        yield TableChange(*part.table(), Effect.BROUGHT_IN)
