"""Data changes logged as statements: those of other tables pass, others stop the stream."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.stream import Stream
from tests.support.features import CREATE_SELECT, require

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MARIADB = pytest.mark.parametrize("stream", ["mariadb-gtid"], indirect=True)
MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
AS_STATEMENTS = "SET SESSION binlog_format = STATEMENT"


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", COLUMNS)
    stream.sql(
        "INSERT INTO items VALUES (1, 'before')",
        f"CREATE TABLE other ({COLUMNS})",
        "CREATE TABLE checksums (db CHAR(64), tbl CHAR(64), chunk INT, this_crc CHAR(40),"
        " this_cnt INT, PRIMARY KEY (db, tbl, chunk))",
        "INSERT INTO checksums VALUES ('a', 'b', 1, '', 0)",
    )
    return stream


def ignore(stream: Stream, *patterns: str) -> None:
    stream.settings["source"]["ignore_statements_on"] = list(patterns)


def test_a_managed_servers_heartbeats_pass_and_move_the_position(items: Stream) -> None:
    heart = f"mysql.heartbeat_of_{items.schema}"
    items.start()
    items.until_streaming()
    try:
        items.sql(
            f"CREATE TABLE {heart} (id INT PRIMARY KEY, value BIGINT, at DATETIME)",
            AS_STATEMENTS,
            f"INSERT INTO {heart}(id, value) values (1,1590585602000)"
            " ON DUPLICATE KEY UPDATE value = 1590585602000",
            f"INSERT INTO {heart}(id, at) VALUES(2, utc_timestamp()) ON DUPLICATE KEY UPDATE"
            " at = VALUES(at)",
            f"/* rds internal mark */ REPLACE INTO {heart} (id, value) VALUES (3, @@server_id)",
            "USE mysql",
            f"UPDATE `{heart.removeprefix('mysql.')}` SET value = value + RAND() WHERE id = 1",
            f"delete from {heart} where id in (2, 3) -- done",
        )

        items.settle()
    finally:
        items.sql(f"DROP TABLE {heart}")


def test_statements_on_tables_that_the_operator_names_pass(items: Stream, tmp_path: Path) -> None:
    ignore(items, f"{items.schema}.checksums", f"{items.schema}.oth*")
    file = tmp_path / "rows.txt"
    file.write_text("7\tloaded\n")
    items.start()
    items.until_streaming()
    items.source.execute("SET GLOBAL local_infile = ON")
    with (
        items.source.connect(items.schema, local_infile=True) as connection,
        connection.cursor() as cursor,
    ):
        for statement in (
            AS_STATEMENTS,
            "REPLACE INTO checksums (db, tbl, chunk, this_cnt, this_crc) SELECT"
            f" '{items.schema}', 'items', '1', COUNT(*) AS cnt, COALESCE(LOWER(CONV(BIT_XOR("
            "CAST(CRC32(CONCAT_WS('#', `id`, `word`)) AS UNSIGNED)), 10, 16)), 0) AS crc"
            f" FROM `{items.schema}`.`items` FORCE INDEX(`PRIMARY`) /*checksum chunk*/",
            "SET @id = 5",
            "INSERT INTO other VALUES (@id, RAND())",
            f"UPDATE other, {items.schema}.`checksums` AS c SET word = 'both', c.chunk = 2",
            "DELETE o FROM other AS o JOIN checksums c ON o.id = c.chunk WHERE o.id > 100",
            "DELETE FROM o USING other AS o WHERE o.id = 101",
            "WITH few AS (SELECT id FROM items) DELETE FROM other WHERE id IN (SELECT id FROM few)",
            f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE other (id, word)",
        ):
            if statement.startswith("WITH") and items.source.flavour == "mariadb":
                continue  # it has no WITH before anything but a SELECT
            cursor.execute(statement)
    items.sql("INSERT INTO items VALUES (2, 'after')")

    items.settle()


@BOTH_SERVERS
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO items VALUES (2, 'as a statement')",
        "UPDATE checksums, items SET word = 'as a statement', this_cnt = 1",
        "DELETE i, c FROM items AS i JOIN checksums AS c",
        "INSERT INTO `seen` VALUES (2, 'as a statement')",
        "INSERT INTO checksums VALUES ('x', 'y', writes(), '', 0)",
    ],
)
def test_a_statement_that_may_write_to_a_followed_table_stops_the_stream(
    items: Stream, statement: str
) -> None:
    items.source.execute("SET GLOBAL log_bin_trust_function_creators = ON")
    items.sql(
        "CREATE VIEW seen AS SELECT * FROM items",
        "CREATE FUNCTION writes() RETURNS INT BEGIN INSERT INTO items VALUES (9, 'f'); RETURN 1;"
        " END",
    )
    if "writes()" not in statement:
        ignore(items, f"{items.schema}.checksums")
    items.start()
    items.until_streaming()

    items.sql(AS_STATEMENTS, statement)

    said = halted(items.daemon)
    assert "logged as a statement" in said["message"]
    assert items.documents("items") == {1: {"word": "before"}}


@BOTH_SERVERS
def test_what_the_remedy_says_to_write_lets_the_stream_go_on(items: Stream) -> None:
    items.start()
    items.until_streaming()
    items.sql(AS_STATEMENTS, "INSERT INTO other VALUES (1, 'as a statement')")
    said = halted(items.daemon)

    key, _, value = said["remedy"].partition("source.")[2].partition(": ")
    items.settings["source"][key] = yaml.safe_load(value.partition(" and ")[0])
    items.start()

    assert said["table"] == f"{items.schema}.other"
    items.settle()


@BOTH_SERVERS
def test_a_followed_table_cannot_be_ignored(items: Stream) -> None:
    ignore(items, f"{items.schema}.*")

    daemon = items.start()

    assert daemon.wait() == 2
    assert "ignore_statements_on" in daemon.stderr
    assert Command(items, "check").returncode == 2


@MYSQL
def test_mysql_tells_of_statements_that_use_no_followed_tables_schema(items: Stream) -> None:
    elsewhere = f"{items.schema}_elsewhere"
    items.start()
    items.until_streaming()
    try:
        items.sql(
            f"CREATE DATABASE {elsewhere}",
            f"CREATE TABLE {elsewhere}.heartbeat (ts VARCHAR(26), server_id INT PRIMARY KEY)",
            AS_STATEMENTS,
            f"REPLACE INTO {elsewhere}.heartbeat (ts, server_id) VALUES (NOW(), 1)",
        )

        items.settle()
    finally:
        items.sql(f"DROP DATABASE {elsewhere}")


@MYSQL
@pytest.mark.parametrize("by", ["trigger", "key"])
def test_mysql_tells_where_another_schemas_statement_leads_to(items: Stream, by: str) -> None:
    elsewhere = f"{items.schema}_elsewhere"
    items.start()
    items.until_streaming()
    try:
        items.sql(
            f"CREATE DATABASE {elsewhere}",
            f"CREATE TABLE {elsewhere}.parent (id INT PRIMARY KEY)",
            f"INSERT INTO {elsewhere}.parent VALUES (1)",
            f"CREATE TRIGGER {elsewhere}.goes AFTER DELETE ON {elsewhere}.parent FOR EACH ROW"
            f" DELETE FROM {items.schema}.items"
            if by == "trigger"
            else "CREATE TABLE child (id INT,"
            f" FOREIGN KEY (id) REFERENCES {elsewhere}.parent (id))",
            AS_STATEMENTS,
            f"DELETE FROM {elsewhere}.parent",
        )

        halted(items.daemon)
    finally:
        items.sql("DROP TABLE IF EXISTS child", f"DROP DATABASE {elsewhere}")


@BOTH_SERVERS
@pytest.mark.parametrize("query", ["SELECT 1 AS id, 'one' AS word", "(SELECT * FROM other)"])
def test_rows_that_a_followed_table_is_created_with_as_a_statement_stop_the_stream(
    items: Stream, query: str
) -> None:
    require(items.source, CREATE_SELECT)
    items.follow("copies", {"source": f"{items.schema}.copie?", "id": [{"source": "table"}, "id"]})
    items.start()
    items.until_streaming()

    items.sql(
        AS_STATEMENTS,
        f"CREATE TABLE others {query}",
        f"CREATE TABLE copies (PRIMARY KEY (id)) {query}",
    )

    said = halted(items.daemon)
    assert said["table"] == f"{items.schema}.copies"
