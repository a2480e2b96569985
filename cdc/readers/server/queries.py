"""Questions to the source, and their whole answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pymysql.cursors import DictCursor

if TYPE_CHECKING:
    from pymysql.connections import Connection


def rows(connection: Connection[Any], statement: str, *values: object) -> Sequence[Sequence[Any]]:
    """Run a query and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
        return found


def records(
    connection: Connection[Any], statement: str, *values: object
) -> Sequence[dict[str, Any]]:
    """Run a query and return all its rows, by the names of their columns."""
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(statement, values or None)
        found: Sequence[dict[str, Any]] = cursor.fetchall()
        return found
