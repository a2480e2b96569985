"""Judges data changes that are logged as statements: which cannot touch a followed table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from cdc.mapping.file.table_globs import literal, source_pattern
from cdc.model.transaction import ANY_TABLE
from cdc.readers.binlog.sql.tokens import TableName
from cdc.readers.binlog.sql.written_tables import Writes

Names = Callable[[str, str], bool]
"""Returns whether a table, by schema and name, is one of those meant."""

SYSTEM_SCHEMAS: Final = frozenset({"mysql", "information_schema", "performance_schema"})
"""No server allows triggers on their tables; `sys` is not among them."""


class Concern(NamedTuple):
    """The tables that a statement names, and the remedy other than to skip it."""

    tables: str
    or_else: str = ""


class DataStatements:
    """Judges statements by the tables that they write, and by what the operator vouches for."""

    def __init__(
        self, follows: Names, ignored: Iterable[str] = (), *, folds_names: bool = False
    ) -> None:
        """`ignored` are patterns of tables whose statements lead to no followed table.

        `folds_names`: the server treats names that differ in case as the same table.
        """
        self._follows = follows
        self._ignored = [source_pattern(each) for each in ignored]
        self._folds_names = folds_names

    def concern(self, writes: Writes, schemas: frozenset[str] | None) -> Concern | None:
        """Return how a statement may concern followed tables; None if it cannot.

        `schemas` are those of every table that it used, including by triggers, views and functions;
        None if the server does not report them.
        """
        tables = [self._folded(name) for name in writes.tables]
        followed = [name for name in tables if self._follows(*name)]
        if followed:
            return Concern(_listed(followed))
        if schemas is not None and not any(map(self._holds_followed, schemas)):
            return None
        if not tables:
            return Concern("")
        inside = writes.plain and (schemas is None or schemas <= SYSTEM_SCHEMAS)
        unclear = [name for name in tables if not self._is_harmless(name, inside=inside)]
        return Concern(_listed(unclear), _remedy(unclear)) if unclear else None

    def _is_harmless(self, name: TableName, *, inside: bool) -> bool:
        return self._is_ignored(name) or (inside and name[0] in SYSTEM_SCHEMAS)

    def _is_ignored(self, name: TableName) -> bool:
        return any(each.matches(*name) for each in self._ignored)

    def _holds_followed(self, schema: str) -> bool:
        return self._follows(self._folded((schema, ""))[0], ANY_TABLE)

    def _folded(self, name: TableName) -> TableName:
        return (name[0].lower(), name[1].lower()) if self._folds_names else name


def _listed(tables: Iterable[TableName]) -> str:
    return ", ".join(dict.fromkeys(".".join(name) for name in tables))


def _remedy(tables: Iterable[TableName]) -> str:
    patterns = json.dumps([literal(*each) for each in dict.fromkeys(tables)], ensure_ascii=False)
    return (
        "; or, where no such statement ever writes to a followed table, by a trigger, a view or a"
        f" function either, add source.ignore_statements_on: {patterns} and start again"
    )
