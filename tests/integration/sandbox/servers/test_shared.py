from __future__ import annotations

from contextlib import closing

import pymysql
import pytest

from cdc_sandbox.servers import MongoServer, MySQLServer


def test_root_logs_in_over_tcp_with_its_password_and_not_without(source: MySQLServer) -> None:
    with closing(source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")

        assert cursor.fetchone() == ("root@%",)
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        source.connect(password="")


def test_a_source_logs_full_rows_with_full_metadata(source: MySQLServer) -> None:
    settings = source.execute(
        "SELECT @@log_bin, @@binlog_format, @@binlog_row_image, @@binlog_row_metadata"
    )

    assert settings == [(1, "ROW", "FULL", "FULL")]


def test_each_test_gets_an_empty_schema_of_its_own(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")

    assert source.execute(f"SELECT COUNT(*) FROM {schema}.t") == [(0,)]


def test_the_target_takes_transactions(mongo: MongoServer, database: str) -> None:
    with mongo.client() as client, client.start_session() as session:
        with session.start_transaction():
            client[database].rows.insert_one({"_id": 1}, session=session)

        assert client[database].rows.count_documents({}) == 1
