"""What a logged statement does to followed tables; it is refused if the log does not tell."""

from __future__ import annotations

from collections.abc import Iterable

from cdc.errors import RefusedEvent
from cdc.model.transaction import Effect, SchemaChange, TableChange
from cdc.readers.binlog.sql.data_statements import DataStatements, Names
from cdc.readers.binlog.sql.statements import Statement


class FollowedStatements:
    """Takes from statements what concerns followed tables.

    The errors have no position: whoever reads the log adds it.
    """

    def __init__(
        self, follows: Names, ignored: Iterable[str] = (), *, folds_names: bool = False
    ) -> None:
        """`ignored` and `folds_names` as in `DataStatements`."""
        self._follows = follows
        self._data = DataStatements(follows, ignored, folds_names=folds_names)
        self._folds_names = folds_names

    def change(self, statement: Statement) -> SchemaChange | None:
        """Return what a statement about tables does to followed ones; None if nothing.

        Raises RefusedEvent if it fills one with rows.
        """
        if statement.change is None:
            return None
        named = tuple(map(self._folded, statement.change.tables))
        stay = {each[:2] for each in named if each.effect is Effect.BROUGHT_IN}
        tables = tuple(
            each
            for each in named
            if self._follows(each.schema, each.table)
            and not (each.effect is Effect.REMOVED and each[:2] in stay)  # t RENAME TO T
        )
        if not tables:
            return None
        if statement.fills:
            raise _logged_as_statement(tables[0].name)
        return statement.change._replace(tables=tables)

    def require_readable(self, statement: Statement) -> None:
        """Raise RefusedEvent for what cannot be read, if it may be about a followed table."""
        names = [".".join(name) for name in statement.names if self._follows(*name)]
        if names:
            raise RefusedEvent(
                "a statement about tables cannot be read, and may be about a followed one",
                table=", ".join(dict.fromkeys(names)),
                remedy="look at it with SHOW BINLOG EVENTS, then step over it: cdc position skip",
            )

    def require_no_rows(self, statement: Statement, schemas: frozenset[str] | None) -> None:
        """Raise RefusedEvent if a statement may have changed rows of followed tables.

        `schemas` as in `DataStatements.concern`.
        """
        concern = self._data.concern(statement.writes, schemas)
        if concern is not None:
            raise _logged_as_statement(*concern)

    def _folded(self, table: TableChange) -> TableChange:
        if not self._folds_names:
            return table
        return table._replace(schema=table.schema.lower(), table=table.table.lower())


def _logged_as_statement(tables: str, or_else: str = "") -> RefusedEvent:
    return RefusedEvent(
        "a data change was logged as a statement, not as rows",
        table=tables or None,
        remedy="run on the source: SET GLOBAL binlog_format = ROW; let no session override it;"
        f" then step over this one: cdc position skip{or_else}",
    )
