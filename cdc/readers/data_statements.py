"""Data changes that are logged as statements: which of them no followed table can have part in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Final

from cdc.changes import ANY_TABLE
from cdc.mapping.source_patterns import source_pattern
from cdc.readers.words import TableName
from cdc.readers.written_tables import Writes

Names = Callable[[str, str], bool]
"""Tells of a table, by schema and name, whether it is one of those meant."""

SYSTEM_SCHEMAS: Final = frozenset({"mysql", "information_schema", "performance_schema"})
"""No server takes a trigger on their tables; `sys` is not among them."""

KEY: Final = "source.ignore_statements_on"

_WILDCARD: Final = re.compile(r"([*?\[])")


class DataStatements:
    """Judges statements by the tables that they write, and by what the operator vouches for."""

    def __init__(
        self, follows: Names, ignored: Iterable[str] = (), *, folds_names: bool = False
    ) -> None:
        """`ignored` are patterns of tables whose statements lead to no followed table.

        `folds_names`: the server takes names that differ in case for the same table.
        """
        self._follows = follows
        self._ignored = [source_pattern(each) for each in ignored]
        self._folds_names = folds_names

    def followed(self, writes: Writes) -> str:
        """Return the followed tables that a statement says it writes, with commas between."""
        names = dict.fromkeys(map(self._folded, writes.tables))
        return ", ".join(".".join(name) for name in names if self._follows(*name))

    def pass_by(self, writes: Writes, schemas: frozenset[str] | None) -> bool:
        """Tell whether a statement certainly leaves followed tables alone.

        `schemas` are those of every table that it used, by triggers, views and functions, too;
        None where the server does not tell them.
        """
        if self.followed(writes):
            return False
        if schemas is not None and not any(map(self._holds_followed, schemas)):
            return True
        return bool(writes.tables) and not self.unclear(writes, schemas)

    def unclear(self, writes: Writes, schemas: frozenset[str] | None) -> list[TableName]:
        """Return the tables, of those that a statement writes, from which it may go further."""
        inside = writes.plain and (schemas is None or schemas <= SYSTEM_SCHEMAS)
        return [
            name
            for name in map(self._folded, writes.tables)
            if not (self._is_ignored(name) or (inside and name[0] in SYSTEM_SCHEMAS))
        ]

    def _is_ignored(self, name: TableName) -> bool:
        return any(each.matches(*name) for each in self._ignored)

    def _holds_followed(self, schema: str) -> bool:
        return self._follows(self._folded((schema, ""))[0], ANY_TABLE)

    def _folded(self, name: TableName) -> TableName:
        return (name[0].lower(), name[1].lower()) if self._folds_names else name


def line(tables: Iterable[TableName]) -> str:
    """Return what to write into the configuration to have statements on `tables` pass."""
    return f"{KEY}: {json.dumps([_pattern(*each) for each in tables], ensure_ascii=False)}"


def _pattern(schema: str, table: str) -> str:
    """Return the pattern that matches the table, and no other one of its length."""
    plain = (_WILDCARD.sub(r"[\1]", part) for part in (schema.replace(".", "\0"), table))
    return ".".join(plain).replace("\0", "?")
