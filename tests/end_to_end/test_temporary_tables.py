"""Temporary tables that have a followed table's name: what is done to them is nobody's business."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
ROWS = {1: {"word": "one"}, 2: {"word": "two"}}
BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
MARIADB = pytest.mark.parametrize("stream", ["mariadb-gtid"], indirect=True)


def streaming(stream: Stream, **keys: Any) -> None:
    """Have a stream of `items` with two documents."""
    stream.table("items", COLUMNS, keys)
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    stream.start()
    stream.until_caught_up()


def until_resynced(stream: Stream) -> None:
    def done() -> bool:
        stream.daemon.check_alive(waiting_for="the resync")
        found = list(stream.state["jobs"].find({"requested_by": {"$regex": "^ddl: "}}))
        return bool(found) and all(job["state"] == "done" for job in found)

    eventually(done)


@BOTH_SERVERS
@pytest.mark.parametrize("binlog_format", ["ROW", "MIXED", "STATEMENT"])
@pytest.mark.parametrize("statement", ["TRUNCATE TABLE items", "ALTER TABLE items ENGINE=MyISAM"])
def test_no_document_goes_with_a_temporary_tables_rows(
    stream: Stream, binlog_format: str, statement: str
) -> None:
    streaming(stream, on_drop="apply")

    stream.sql(
        f"SET SESSION binlog_format = {binlog_format}",
        f"CREATE TEMPORARY TABLE items ({COLUMNS})",
        statement,
        "CREATE INDEX by_word ON items (word)",
        "DROP TABLE items",
    )
    stream.until_caught_up()

    assert stream.documents("items") == ROWS
    assert stream.daemon.events("collection_cleared") == []


@MARIADB
@pytest.mark.parametrize(
    ("binlog_format", "statement"),
    [
        ("ROW", "RENAME TABLE items TO elsewhere"),
        ("MIXED", "RENAME TABLE items TO elsewhere"),
        ("STATEMENT", "RENAME TABLE items TO elsewhere"),
        ("STATEMENT", "ALTER TABLE items RENAME TO elsewhere"),
    ],
)
def test_no_document_goes_where_a_temporary_table_gets_another_name(
    stream: Stream, binlog_format: str, statement: str
) -> None:
    streaming(stream, on_drop="apply")

    stream.sql(
        f"SET SESSION binlog_format = {binlog_format}",
        f"CREATE TEMPORARY TABLE items ({COLUMNS})",
        statement,
    )
    stream.until_caught_up()
    until_resynced(stream)

    assert stream.documents("items") == ROWS
    assert stream.daemon.events("collection_cleared") == []


@BOTH_SERVERS
@pytest.mark.parametrize("binlog_format", ["ROW", "STATEMENT"])
@pytest.mark.parametrize(
    "first",
    [
        "CREATE TEMPORARY TABLE scratch (id INT); DROP TEMPORARY TABLE scratch",
        "DROP TABLE IF EXISTS never_there",
    ],
)
def test_a_table_that_a_procedure_empties_is_emptied_whatever_it_did_before(
    stream: Stream, binlog_format: str, first: str
) -> None:
    """The flag of temporary tables stays set until the procedure ends, on some servers."""
    streaming(stream)

    stream.sql(
        f"CREATE PROCEDURE again() BEGIN {first}; TRUNCATE TABLE items; END",
        f"SET SESSION binlog_format = {binlog_format}",
        "CALL again()",
    )
    stream.until_caught_up()

    eventually(lambda: stream.documents("items") == {})


@MARIADB
def test_a_table_that_was_renamed_and_made_anew_has_the_new_ones_documents(
    stream: Stream,
) -> None:
    streaming(stream, on_drop="apply")
    stream.stop()

    stream.sql(
        "RENAME TABLE items TO elsewhere",
        f"CREATE TABLE items ({COLUMNS})",
        "INSERT INTO items VALUES (2, 'new'), (3, 'new')",
    )
    stream.start()
    stream.until_caught_up()
    until_resynced(stream)

    stream.assert_same_content()


@MYSQL
def test_a_rename_on_mysql_is_never_one_of_a_temporary_table(stream: Stream) -> None:
    streaming(stream, on_drop="apply")
    stream.stop()

    stream.sql(
        f"CREATE TEMPORARY TABLE items ({COLUMNS})",
        "RENAME TABLE items TO elsewhere",
        "DROP TEMPORARY TABLE items",
        f"CREATE TABLE items ({COLUMNS})",
    )
    stream.start()
    stream.until_caught_up()

    assert stream.documents("items") == {}
    assert stream.daemon.events("collection_cleared")
