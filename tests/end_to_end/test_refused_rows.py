"""Rows that cannot be carried over exactly stop the daemon, exit code 4, before any of their batch
is applied, where the mapping says `on_error: halt`; partial images do so always."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.stream import Stream

ONE_POSITION = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
ON_MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table(
        "items",
        "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), notes LONGTEXT, data JSON, number INT",
        {"on_error": "halt"},
    )
    stream.start()
    stream.sql("""INSERT INTO items VALUES (1, 'whole', 'notes', '{"a": 1, "b": 2}', 1)""")
    stream.until_caught_up()
    return stream


def assert_only_the_first_row_arrived(items: Stream) -> None:
    assert items.documents("items").keys() == {1}
    assert items.documents("items")[1]["word"] == "whole"


@ONE_POSITION
@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_an_update_with_a_part_of_its_columns_is_refused(items: Stream, image: str) -> None:
    items.sql(f"SET SESSION binlog_row_image = {image}", "UPDATE items SET word = 'partly'")

    said = halted(items.daemon)

    assert said["table"] == f"{items.schema}.items"
    assert said["position"]
    assert "binlog_row_image = FULL" in said["remedy"]
    assert_only_the_first_row_arrived(items)


@ON_MYSQL
def test_an_update_with_a_part_of_a_json_value_arrives_whole(items: Stream) -> None:
    items.sql(
        "SET SESSION binlog_row_value_options = PARTIAL_JSON",
        "UPDATE items SET data = JSON_SET(data, '$.a', 3, '$.c', 'x'), word = 'partly'",
        "UPDATE items SET data = JSON_REMOVE(data, '$.b')",
    )

    items.until_caught_up()

    assert items.documents("items")[1]["data"] == {"a": 3, "c": "x"}


@ON_MYSQL
def test_a_part_of_a_json_value_in_a_part_of_the_columns_is_refused(items: Stream) -> None:
    items.sql(
        "SET SESSION binlog_row_image = MINIMAL",
        "SET SESSION binlog_row_value_options = PARTIAL_JSON",
        "UPDATE items SET data = JSON_SET(data, '$.a', 3), word = 'partly'",
    )

    said = halted(items.daemon)

    assert said["table"] == f"{items.schema}.items"
    assert "binlog_row_image = FULL" in said["remedy"]
    assert_only_the_first_row_arrived(items)


@ON_MYSQL
def test_a_document_above_16_megabytes_is_refused(items: Stream) -> None:
    items.sql(
        "SET @filling = REPEAT('x', 1 << 20)",
        "INSERT INTO items (id, word, notes) VALUES (2, 'huge', REPEAT(@filling, 17))",
    )

    said = halted(items.daemon)

    assert "a document of items" in said["message"]
    assert "too_large" in said["message"]
    assert_only_the_first_row_arrived(items)


@ON_MYSQL
def test_a_document_of_almost_16_megabytes_arrives(items: Stream) -> None:
    items.sql(
        "SET @filling = REPEAT('x', 1 << 20)",
        "UPDATE items SET data = NULL",
        "INSERT INTO items (id, notes) VALUES (2, REPEAT(@filling, 15)), (3, 'small')",
        "INSERT INTO items (id, notes) VALUES (4, LEFT(REPEAT(@filling, 16), (16 << 20) - 200))",
        "UPDATE items SET number = id",
    )

    items.settle()


@ON_MYSQL
def test_a_huge_row_of_another_table_is_passed_over(items: Stream) -> None:
    items.sql(
        "CREATE TABLE other (id INT PRIMARY KEY, notes LONGTEXT)",
        "SET @filling = REPEAT('x', 1 << 20)",
        "INSERT INTO other VALUES (1, REPEAT(@filling, 17)), (2, REPEAT(@filling, 20))",
        "UPDATE items SET word = 'behind', data = NULL",
    )

    items.settle()


@ON_MYSQL
def test_a_document_that_the_targets_validator_refuses_is_named(items: Stream) -> None:
    items.client[items.database.name].command(
        {"collMod": "items", "validator": {"number": {"$lt": 100}}}
    )

    items.sql("INSERT INTO items (id, number) VALUES (2, 5), (3, 500)")

    said = halted(items.daemon)
    assert "a document of items" in said["message"]
    assert "validator" in said["message"]
    assert_only_the_first_row_arrived(items)


@ON_MYSQL
def test_a_duplicate_that_only_the_target_forbids_is_named(items: Stream) -> None:
    items.database["items"].create_index("word", unique=True)

    items.sql("INSERT INTO items (id, word) VALUES (2, 'whole')")

    said = halted(items.daemon)
    assert "a document of items" in said["message"]
    assert "duplicate under the index {word: 1} (code 11000)" in said["message"]
    assert "whole" not in items.daemon.stderr
    assert_only_the_first_row_arrived(items)
