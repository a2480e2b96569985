"""Finds the tables that a data statement can write, as far as its own words say.

Triggers, views, functions and foreign keys lead further; the caller must know about them. Grammars:
the manuals' pages on INSERT, REPLACE, UPDATE, DELETE, LOAD DATA and WITH of MySQL 9 and MariaDB 11.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cdc.readers.binlog.sql.built_in import FUNCTIONS, SYNTAX
from cdc.readers.binlog.sql.tokens import TableName, TokenCursor


class Writes(NamedTuple):
    """The tables that a statement may write; none if its words do not say.

    `plain`: it reads no other table and calls no function but the servers' own.
    """

    tables: tuple[TableName, ...] = ()
    plain: bool = False


UNTOLD: Final = Writes()

_Reference = tuple[str | None, str]
"""A table's schema, if it is written, and its name."""

_MODIFIERS: Final = ("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "CONCURRENT", "IGNORE")
_JOINS: Final = frozenset({",", "JOIN", "STRAIGHT_JOIN"})
_BEHIND_TABLES: Final = ("WHERE", "ORDER", "LIMIT", "RETURNING")
_READS: Final = ("SELECT", "TABLE")


def written(verb: str, words: TokenCursor) -> Writes:
    """Return the tables that a statement may write; `verb` is its first word, `words` the rest."""
    queries: set[str] = set()
    if verb == "WITH":
        verb, queries = _over_queries(words)
    while words.skip_one_of(*_MODIFIERS):
        pass
    match verb:
        case "INSERT" | "REPLACE":
            words.skip("INTO")
            found = [words.reference()]
        case "LOAD":
            found = [words.reference()] if words.seek("INTO") and words.skip("TABLE") else []
        case "UPDATE":
            found = _referenced(words.until("SET"))
        case "DELETE":
            found = _deleted(words.until(*_BEHIND_TABLES))
        case _:
            found = []
    words.skip_parentheses()
    # a query hides the table of its name, unless that is written with its schema
    found = [each for each in found if each[0] is not None or each[1] not in queries]
    default = words.session.schema
    tables = [(default if schema is None else schema, table) for schema, table in found]
    if not all(schema and table for schema, table in tables):
        return UNTOLD
    return Writes(tuple(tables), not queries and _is_plain(words))


def _over_queries(words: TokenCursor) -> tuple[str, set[str]]:
    """Step over the queries of a WITH; return the verb behind them, and their names."""
    names: set[str] = set()
    words.skip("RECURSIVE")
    while not words.ended:
        names.add(words.name())
        words.skip_parentheses()
        words.skip("AS")
        words.skip_parentheses()
        if not words.skip(","):
            break
    return words.take(), names


def _deleted(words: TokenCursor) -> list[_Reference]:
    """Return the tables behind FROM, or USING: they always include the one that is deleted from."""
    if not words.seek("FROM"):
        return []
    if words.contains("USING"):
        words.seek("USING")
    return _referenced(words)


def _referenced(references: TokenCursor) -> list[_Reference]:
    """Return every table in a list of joined ones; none if it holds parentheses.

    Tables that are only read are among them: that errs on the safe side.
    """
    if references.contains("("):
        return []
    tables = [references.reference()]
    while not references.ended:
        if references.take() in _JOINS:
            tables.append(references.reference())
    return tables


def _is_plain(words: TokenCursor) -> bool:
    if any(words.contains(each) for each in _READS):
        return False
    return all(_is_built_in(*each) for each in words.calls())


def _is_built_in(before: str, name: str, touches: bool) -> bool:
    """Return whether what stands before a parenthesis is no stored or loaded function.

    With a space behind it, or a schema before it, the name of a built-in function may be a stored
    one's.
    """
    return before != "." and (name in SYNTAX or (name in FUNCTIONS and touches))
