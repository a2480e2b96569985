"""Each kind of change reaches the target, and so it does with a restart behind each step."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.stream import Stream

COLUMNS = "id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(50), points INT UNSIGNED"


@pytest.fixture
def people(stream: Stream) -> Stream:
    stream.table("people", COLUMNS)
    stream.table("teams", COLUMNS)
    return stream


def test_inserts_updates_and_deletes_arrive(people: Stream) -> None:
    people.start()

    people.sql(
        "INSERT INTO people VALUES (1, 'ann', 10), (2, 'bob', 20), (3, 'zoë 🙂', NULL)",
        "UPDATE people SET points = points + 1",
        "UPDATE people SET name = 'eve' WHERE id = 2",
        "DELETE FROM people WHERE id = 1",
    )

    people.settle()
    assert people.documents("people")[2] == {"name": "eve", "points": 21}
    people.stop()


def test_statements_of_many_rows_and_transactions_over_tables_arrive(people: Stream) -> None:
    people.start()

    people.transaction(
        "INSERT INTO people VALUES " + ",".join(f"({n}, 'p{n}', {n})" for n in range(2_000)),
        "INSERT INTO teams VALUES (1, 'red', 0), (2, 'blue', 0)",
        "UPDATE people SET points = points * 2 WHERE id % 2 = 0",
        "UPDATE teams SET points = (SELECT SUM(points) FROM people)",
        "DELETE FROM people WHERE id % 3 = 0",
    )

    people.settle()


def test_upserts_and_replaces_arrive(people: Stream) -> None:
    people.database["people"].create_index("name")
    people.start()

    people.sql(
        "CREATE UNIQUE INDEX by_name ON people (name)",
        "INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2), (3, 'cleo', 3)",
        "INSERT INTO people VALUES (1, 'x', 9), (4, 'dan', 4) ON DUPLICATE KEY UPDATE points = 99",
        "REPLACE INTO people VALUES (2, 'bob', 22), (5, 'cleo', 33), (6, 'eve', 6)",
        "INSERT IGNORE INTO people VALUES (1, 'ignored', 0), (7, 'fay', 7)",
        "DELETE FROM people ORDER BY id LIMIT 1",
    )

    people.settle()


def test_what_was_rolled_back_leaves_nothing(people: Stream) -> None:
    people.start()

    people.transaction("INSERT INTO people VALUES (1, 'never', 1)", end="ROLLBACK")
    people.transaction(
        "INSERT INTO people VALUES (2, 'kept', 1)",
        "SAVEPOINT half",
        "INSERT INTO people VALUES (3, 'undone', 1)",
        "UPDATE people SET name = 'undone' WHERE id = 2",
        "ROLLBACK TO SAVEPOINT half",
        "INSERT INTO teams VALUES (4, 'kept', 1)",
    )

    people.settle()
    assert set(people.documents("people")) == {2}


def test_a_changed_primary_key_moves_the_document(people: Stream) -> None:
    people.start()
    people.sql("INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2), (3, 'cleo', 3)")

    people.sql("UPDATE people SET id = 10 WHERE id = 1")
    people.sql("UPDATE people SET id = id + 1 WHERE id < 10 ORDER BY id DESC")

    people.settle()
    assert people.documents("people").keys() == {10, 3, 4}


def test_two_rows_swap_their_primary_keys(people: Stream) -> None:
    people.sql("INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2)")
    swap = [
        "UPDATE people SET id = -1 WHERE id = 1",
        "UPDATE people SET id = 1 WHERE id = 2",
        "UPDATE people SET id = 2 WHERE id = -1",
    ]
    people.start()

    people.transaction(*swap)
    people.settle()
    people.sql(*swap)

    people.settle()


def test_a_key_that_comes_and_goes_within_a_batch_ends_as_the_source_has_it(
    people: Stream,
) -> None:
    comes_and_goes = [
        "INSERT INTO people VALUES (1, 'first', 1), (2, 'first', 1)",
        "DELETE FROM people WHERE id = 1",
        "INSERT INTO people VALUES (1, 'second', 2)",
        "UPDATE people SET points = 3 WHERE id = 1",
        "DELETE FROM people WHERE id = 2",
    ]
    people.transaction(*comes_and_goes)
    people.sql("DELETE FROM people", *comes_and_goes, "INSERT INTO people VALUES (2, 'last', 9)")

    people.start()

    people.settle()
    assert people.documents("people") == {
        1: {"name": "second", "points": 3},
        2: {"name": "last", "points": 9},
    }


def test_a_key_that_the_target_holds_already_is_replaced(people: Stream) -> None:
    people.database["people"].insert_one({"_id": 1, "left": "over"})
    people.start()

    people.sql("INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2)")

    people.settle()


def test_two_rows_swap_a_value_that_is_unique_in_the_target(people: Stream) -> None:
    people.database["people"].create_index("name", unique=True)
    people.sql("INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2)")
    people.start()
    people.until_caught_up()

    people.transaction(
        "UPDATE people SET name = 'swapping' WHERE id = 1",
        "UPDATE people SET name = 'ann' WHERE id = 2",
        "UPDATE people SET name = 'bob' WHERE id = 1",
    )

    people.settle()


def test_a_restart_between_any_two_changes_loses_and_repeats_nothing(people: Stream) -> None:
    changes = [
        "INSERT INTO people VALUES (1, 'ann', 1), (2, 'bob', 2), (3, 'cleo', 3)",
        "UPDATE people SET points = points + 1",
        "UPDATE people SET id = 10 WHERE id = 1",
        "BEGIN; DELETE FROM people WHERE id = 2; INSERT INTO teams VALUES (1, 'red', 1); COMMIT",
        "INSERT INTO people VALUES (2, 'bob again', 4)",
        "DELETE FROM people WHERE id = 3",
    ]
    people.start()

    for number, change in enumerate(changes):
        people.sql(*change.split("; "))
        if number % 2:
            people.until_caught_up()
        people.restart()

    people.settle()
    people.stop()
