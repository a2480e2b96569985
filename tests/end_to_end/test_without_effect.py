"""Statements that are logged and did nothing: they change nothing here either."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.stream import Stream
from tests.support.features import TWO_PHASE_ALTER, require
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
ROWS = {1: {"word": "one"}}
BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MARIADB = pytest.mark.parametrize("stream", ["mariadb-gtid", "mariadb-file"], indirect=True)


def streaming(stream: Stream, **keys: Any) -> None:
    stream.table("items", COLUMNS, keys)
    stream.sql("INSERT INTO items VALUES (1, 'one')")
    stream.start()
    stream.until_caught_up()


def jobs(stream: Stream) -> list[dict[str, Any]]:
    return list(stream.state["jobs"].find({"requested_by": {"$regex": "^ddl: "}}))


@BOTH_SERVERS
@pytest.mark.parametrize(
    "definition",
    [
        "(id INT) ENGINE=MyISAM",
        "(id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES parents (id) ON DELETE CASCADE)",
        "LIKE strange",
    ],
)
def test_a_table_that_was_there_is_not_created(stream: Stream, definition: str) -> None:
    streaming(stream)
    stream.sql(
        "CREATE TABLE strange (id INT) ENGINE=MyISAM",
        "CREATE TABLE parents (id INT PRIMARY KEY)",
        f"CREATE TABLE IF NOT EXISTS items {definition}",
        "INSERT INTO items VALUES (2, 'two')",
    )

    stream.settle()


@BOTH_SERVERS
def test_a_table_that_was_not_there_is_created_with_all_that_its_statement_says(
    stream: Stream,
) -> None:
    keys = {"source": f"{stream.schema}.item?", "id": [{"source": "table"}, "id"]}
    stream.follow("items", keys)
    stream.start()
    stream.until_streaming()

    stream.sql("CREATE TABLE IF NOT EXISTS items (id INT PRIMARY KEY) ENGINE=MyISAM")

    assert "MyISAM" in halted(stream.daemon)["message"]


def test_a_table_that_never_was_is_dropped_without_a_stop(stream: Stream) -> None:
    stream.follow("items")
    stream.sql(
        "DROP TABLE IF EXISTS items",
        f"CREATE TABLE items ({COLUMNS})",
        "INSERT INTO items VALUES (1, 'one')",
    )

    stream.start()

    stream.settle()


@BOTH_SERVERS
def test_a_dump_that_is_restored_is_followed_from_its_first_row(stream: Stream) -> None:
    stream.follow("items")
    stream.sql(
        "DROP TABLE IF EXISTS `items`",
        "/*!40101 SET @saved_cs_client     = @@character_set_client */",
        f"CREATE TABLE `items` ({COLUMNS}) ENGINE=InnoDB",
        "LOCK TABLES `items` WRITE",
        "/*!40000 ALTER TABLE `items` DISABLE KEYS */",
        "INSERT INTO `items` VALUES (1,'one'),(2,'two')",
        "/*!40000 ALTER TABLE `items` ENABLE KEYS */",
        "UNLOCK TABLES",
    )

    stream.start()

    stream.settle()


@BOTH_SERVERS
def test_a_drop_of_what_has_documents_stops_the_stream_as_the_mapping_says(
    stream: Stream,
) -> None:
    streaming(stream)
    stream.sql("INSERT INTO items VALUES (2, 'two')", "DROP TABLE IF EXISTS items")

    said = halted(stream.daemon)

    assert "on_drop: halt" in said["message"]
    assert stream.documents("items") == {**ROWS, 2: {"word": "two"}}


@BOTH_SERVERS
def test_a_shard_that_never_was_is_dropped_without_a_stop(stream: Stream) -> None:
    keys = {"source": f"{stream.schema}.items_*", "id": [{"source": "table"}, "id"]}
    stream.follow("items", keys)
    stream.tables.clear()
    stream.sql(f"CREATE TABLE items_1 ({COLUMNS})", "INSERT INTO items_1 VALUES (1, 'one')")
    stream.start()
    stream.until_caught_up()

    stream.sql("DROP TABLE IF EXISTS items_2", "INSERT INTO items_1 VALUES (2, 'two')")
    stream.until_caught_up()
    stream.sql("DROP TABLE IF EXISTS items_1")

    said = halted(stream.daemon)
    assert said["table"] == f"{stream.schema}.items_1"
    assert len(stream.documents("items")) == 2


@BOTH_SERVERS
def test_a_schema_that_never_was_is_dropped_without_a_stop(stream: Stream) -> None:
    keys = {"source": f"{stream.schema}*.items", "id": [{"source": "schema"}, "id"]}
    stream.follow("items", keys)
    stream.tables.clear()
    stream.sql(f"CREATE TABLE items ({COLUMNS})", "INSERT INTO items VALUES (1, 'one')")
    stream.start()

    stream.sql(f"DROP DATABASE IF EXISTS {stream.schema}_2", "INSERT INTO items VALUES (2, 'two')")
    stream.until_caught_up()

    assert len(stream.documents("items")) == 2


@MARIADB
def test_an_alter_that_is_rolled_back_in_its_second_phase_changes_nothing(stream: Stream) -> None:
    require(stream.source, TWO_PHASE_ALTER)
    streaming(stream, on_alter="halt")
    stream.sql("INSERT INTO items VALUES (2, 'one')")
    with pytest.raises(Exception, match="Duplicate entry"):
        stream.sql(
            "SET SESSION binlog_alter_two_phase = ON",
            "ALTER TABLE items ADD UNIQUE (word), MODIFY word VARCHAR(30)",
        )
    stream.sql("INSERT INTO items VALUES (3, 'three')")
    stream.settle()

    stream.sql(
        "SET SESSION binlog_alter_two_phase = ON", "ALTER TABLE items MODIFY word VARCHAR(40)"
    )

    assert "on_alter: halt" in halted(stream.daemon)["message"]


@MARIADB
def test_an_alter_in_two_phases_counts_once_at_its_commit(stream: Stream) -> None:
    require(stream.source, TWO_PHASE_ALTER)
    streaming(stream)

    stream.sql(
        "SET SESSION binlog_alter_two_phase = ON",
        "ALTER TABLE items ADD COLUMN number INT NOT NULL DEFAULT 7",
    )
    stream.until_caught_up()
    eventually(lambda: all(job["state"] == "done" for job in jobs(stream)))

    assert len(jobs(stream)) == 1
    stream.assert_equal()


@MARIADB
def test_a_create_or_replace_that_failed_halfway_has_dropped_the_table(stream: Stream) -> None:
    streaming(stream, on_drop="apply")

    with pytest.raises(Exception, match="more than 1 row"):
        stream.sql(
            "CREATE OR REPLACE TABLE items SELECT 2 AS id, (SELECT 1 UNION SELECT 2) AS word"
        )
    stream.until_caught_up()

    assert stream.documents("items") == {}


@MARIADB
def test_a_create_or_replace_that_failed_in_its_definition_has_dropped_the_table(
    stream: Stream,
) -> None:
    streaming(stream, on_drop="apply")

    with pytest.raises(Exception, match="Duplicate column"):
        stream.sql("CREATE OR REPLACE TABLE items (id INT PRIMARY KEY, id INT)")
    stream.until_caught_up()

    assert stream.documents("items") == {}


@MARIADB
def test_a_rename_of_what_is_not_there_changes_nothing(stream: Stream) -> None:
    keys = {"source": f"{stream.schema}.neve?", "id": [{"source": "table"}, "id"]}
    stream.follow("never", keys)
    stream.tables.clear()
    streaming(stream)

    stream.sql("RENAME TABLE IF EXISTS never TO nowhere", "INSERT INTO items VALUES (2, 'two')")

    stream.settle()


@BOTH_SERVERS
@pytest.mark.parametrize(
    ("sql_mode", "statement"),
    [
        ("NO_BACKSLASH_ESCAPES", "ALTER TABLE items COMMENT 'C:\\'"),
        ("NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "ALTER TABLE \"items\" COMMENT 'C:\\'"),
        ("ANSI_QUOTES", 'ALTER TABLE "items" ADD INDEX "by\\" (word)'),
    ],
)
def test_a_statement_is_read_by_the_sql_mode_that_it_ran_with(
    stream: Stream, sql_mode: str, statement: str
) -> None:
    streaming(stream)

    stream.sql(f"SET sql_mode = '{sql_mode}'", statement, "INSERT INTO items VALUES (2, 'two')")

    stream.settle()
    assert jobs(stream) == []


@BOTH_SERVERS
def test_a_truncate_is_found_behind_a_text_that_ends_with_a_backslash(stream: Stream) -> None:
    streaming(stream)

    stream.sql("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "TRUNCATE TABLE items -- \\'")
    stream.until_caught_up()

    assert stream.documents("items") == {}
