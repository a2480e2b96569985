"""Statements in the binlog: what is refused, what is followed and what is none of our business."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.stream import Stream
from tests.support.features import CREATE_SELECT, require

HALTED = 4
ONE_POSITION = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", COLUMNS)
    stream.sql(f"CREATE TABLE other ({COLUMNS})")
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    return stream


@ONE_POSITION
def test_a_change_logged_as_a_statement_is_refused(items: Stream) -> None:
    items.start()
    items.sql(
        "SET SESSION binlog_format = STATEMENT",
        "INSERT INTO other VALUES (1, 'as a statement')",
    )

    said = halted(items.daemon)

    assert "logged as a statement" in said["message"]
    assert items.documents("items") == {1: {"word": "before"}}


def test_statements_on_other_things_pass(items: Stream) -> None:
    user = f"'{items.schema}'@'localhost'"
    items.start()
    items.sql(
        "TRUNCATE TABLE other",
        "CREATE TABLE extra (id INT PRIMARY KEY, word TEXT) COMMENT 'DROP TABLE items'",
        "RENAME TABLE extra TO extra2",
        "DROP TABLE extra2, other",
        "FLUSH TABLES",
        "FLUSH PRIVILEGES",
        f"CREATE USER {user} IDENTIFIED BY 'se\\'cret; DROP TABLE items'",
        f"GRANT SELECT ON *.* TO {user}",
        f"DROP USER {user}",
        "ANALYZE TABLE items",
        "CREATE VIEW seen AS SELECT * FROM items",
        "CREATE TRIGGER tr BEFORE INSERT ON items FOR EACH ROW SET NEW.word = UPPER(NEW.word)",
        "CREATE PROCEDURE p() BEGIN DELETE FROM items WHERE id = 99; DROP TABLE IF EXISTS x; END",
        "CREATE TEMPORARY TABLE temporary_items (id INT)",
        "INSERT INTO temporary_items VALUES (1)",
        "DROP TEMPORARY TABLE temporary_items",
        "CREATE INDEX by_word ON items (word)",
        "OPTIMIZE TABLE items",
        "CREATE TABLE unsafe (id INT PRIMARY KEY) ENGINE=MyISAM",
        "INSERT INTO unsafe VALUES (1)",
        "CREATE TABLE `other-ish name``s` (`a b` INT)",
        "INSERT INTO `other-ish name``s` VALUES (1)",
        "DROP TABLE `other-ish name``s`",
        "INSERT INTO items VALUES (2, 'after')",
    )

    items.settle()
    assert items.documents("items")[2] == {"word": "AFTER"}


@pytest.mark.parametrize("stream", ["mysql-file", "mariadb-file"], indirect=True)
def test_a_rollback_that_cannot_undo_another_tables_rows_undoes_ours(items: Stream) -> None:
    items.start()

    items.sql(
        "CREATE TABLE unsafe (id INT PRIMARY KEY) ENGINE=MyISAM",
        "BEGIN",
        "INSERT INTO items VALUES (2, 'kept')",
        "SAVEPOINT half",
        "INSERT INTO items VALUES (3, 'undone')",
        "INSERT INTO unsafe VALUES (1)",
        "ROLLBACK TO SAVEPOINT half",
        "COMMIT",
        "BEGIN",
        "INSERT INTO items VALUES (4, 'undone')",
        "INSERT INTO unsafe VALUES (2)",
        "ROLLBACK",
        "UPDATE items SET word = CONCAT(word, '!')",
    )

    items.settle()
    assert items.documents("items").keys() == {1, 2}


def test_columns_may_change_while_the_daemon_runs_and_while_it_is_down(items: Stream) -> None:
    items.start()
    items.sql(
        "ALTER TABLE items ADD COLUMN number INT",
        "INSERT INTO items VALUES (2, 'added', 2)",
        "ALTER TABLE items DROP COLUMN word, ADD COLUMN text VARCHAR(10) FIRST",
        "INSERT INTO items (id, text, number) VALUES (3, 'dropped', 3)",
    )
    items.until_caught_up()
    items.stop()
    items.sql(
        "ALTER TABLE items CHANGE text label VARCHAR(300), MODIFY number BIGINT FIRST",
        "INSERT INTO items (id, label, number) VALUES (4, 'renamed', 1 << 40)",
        "ALTER TABLE items MODIFY number BIGINT UNSIGNED AFTER label, MODIFY id INT FIRST",
        "INSERT INTO items (id, label, number) VALUES (5, 'moved', 5)",
    )
    items.start()
    items.sql("UPDATE items SET label = 'all anew', number = id")

    items.settle()


def test_a_followed_table_may_be_created_from_a_query(stream: Stream) -> None:
    require(stream.source, CREATE_SELECT)
    stream.follow("items")
    stream.follow("copies")

    stream.sql(
        f"CREATE TABLE items ({COLUMNS})",
        "INSERT INTO items VALUES (1, 'one'), (2, 'two')",
        "CREATE TABLE copies (PRIMARY KEY (id)) SELECT id, word FROM items",
        "UPDATE copies SET word = 'copied'",
    )
    stream.start()

    stream.settle()


@ONE_POSITION
def test_an_xa_transaction_that_is_prepared_is_refused(items: Stream) -> None:
    items.start()
    items.sql(
        "XA START 'a'",
        "UPDATE items SET word = 'prepared'",
        "XA END 'a'",
        "XA PREPARE 'a'",
        "XA COMMIT 'a'",
    )

    said = halted(items.daemon)

    assert "XA transaction" in said["message"]
    assert items.documents("items") == {1: {"word": "before"}}


def test_an_xa_transaction_in_one_phase_is_a_commit(items: Stream) -> None:
    items.start()
    items.sql(
        "XA START 'a'",
        "UPDATE items SET word = 'one phase'",
        "XA END 'a'",
        "XA COMMIT 'a' ONE PHASE",
        "INSERT INTO items VALUES (2, 'after')",
    )

    items.settle()


@pytest.mark.parametrize("end", ["XA COMMIT 'b'", "XA ROLLBACK 'b'"])
def test_an_xa_transaction_on_other_tables_passes(items: Stream, end: str) -> None:
    items.start()
    items.sql(
        "XA START 'b'",
        "INSERT INTO other VALUES (1, 'elsewhere')",
        "XA END 'b'",
        "XA PREPARE 'b'",
        end,
        "INSERT INTO items VALUES (2, 'after')",
    )

    items.settle()
