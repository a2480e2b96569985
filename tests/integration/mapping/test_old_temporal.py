"""TIME, DATETIME and TIMESTAMP as MariaDB stored them before it took over MySQL's form."""

from __future__ import annotations

from contextlib import closing

import pytest

from cdc.errors import RefusedEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import applied, operations


@pytest.fixture
def source(mariadb: MySQLServer) -> MySQLServer:
    """MySQL has not made such columns since 5.6."""
    return mariadb


def create_in_the_old_form(server: MySQLServer, table: str, columns: str) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL mysql56_temporal_format = OFF")
        try:
            cursor.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, {columns})")
        finally:
            cursor.execute("SET GLOBAL mysql56_temporal_format = ON")


@pytest.mark.parametrize("column", ["TIME", "TIME(3)", "DATETIME", "DATETIME(6)", "TIMESTAMP(2)"])
def test_digits_that_the_binlog_does_not_tell_are_refused(
    source: MySQLServer, schema: str, column: str
) -> None:
    create_in_the_old_form(source, f"{schema}.t", f"at {column} NULL")

    def act() -> None:
        source.execute(f"INSERT INTO {schema}.t VALUES (1, NULL)")

    with pytest.raises(RefusedEvent, match="digits of the seconds") as refused:
        operations(source, schema, act)

    assert refused.value.table == f"{schema}.t"
    assert refused.value.position is not None


def test_the_remedy_makes_them_readable(source: MySQLServer, schema: str) -> None:
    columns = "a TIME(3), b DATETIME(6)"
    create_in_the_old_form(source, f"{schema}.t", columns)

    def act() -> None:
        source.execute(f"ALTER TABLE {schema}.t FORCE")
        source.execute(
            f"INSERT INTO {schema}.t VALUES (1, '-838:59:59.123', '2024-05-06 07:08:09.123456')"
        )

    (found,) = applied(operations(source, schema, act, fields={"a": "a"})).values()

    assert found == {"_id": 1, "a": "-838:59:59.123"}
