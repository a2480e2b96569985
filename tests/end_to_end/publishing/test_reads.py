"""Rows that copies read are published as reads, in one order with the changes of their keys."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.busy_items import changing
from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.every_type import FILL, SESSION, columns
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.jobs import jobs, until_copied
from tests.end_to_end.support.published import changes, known_rows, reads, told
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

ROWS = 12
ONE_KIND = pytest.mark.parametrize("copying", ["mysql-gtid"], indirect=True)


def row(key: int, word: str) -> dict[str, object]:
    return {"id": key, "word": word}


def fill(stream: Stream, keys: range, word: str = "w") -> None:
    values = ", ".join(f"({key}, '{word}')" for key in keys)
    stream.sql(f"INSERT INTO items VALUES {values}")


def backfill(stream: Stream, *options: str) -> None:
    done = cdc(stream, "backfill", f"{stream.schema}.items", *options)
    assert done.returncode == 0, done.stderr


def test_rows_that_are_there_are_read_and_then_followed(copying: Stream) -> None:
    fill(copying, range(ROWS))
    copying.start()
    until_copied(copying)
    copying.sql("UPDATE items SET word = 'x' WHERE id = 3", "DELETE FROM items WHERE id = 4")
    copying.until_caught_up()

    messages = told(copying, "items")

    assert changes(messages) == [
        *(("r", None, row(key, "w")) for key in range(ROWS)),
        ("u", row(3, "w"), row(3, "x")),
        ("d", row(4, "w"), None),
        ("-", None, None),
    ]
    assert [each.key for each in messages[:ROWS]] == [{"id": key} for key in range(ROWS)]
    copying.assert_same_content()


def test_a_read_says_that_it_is_none_of_the_logs_changes(copying: Stream) -> None:
    fill(copying, range(1))
    copying.start()
    until_copied(copying)

    [read] = told(copying, "items")

    source = read.value["source"]
    connector = "mariadb" if copying.source.flavour == "mariadb" else "mysql"
    assert read.value["transaction"] is None
    assert (source["snapshot"], source["connector"]) == ("incremental", connector)
    assert (source["db"], source["table"]) == (copying.schema, "items")
    assert source["file"]
    assert source["ts_ms"] <= read.value["ts_ms"]


def test_a_value_is_read_as_it_is_told_of_a_change(copying: Stream) -> None:
    copying.table("everything", columns(copying.source.flavour))
    copying.settings["start"] = "now"
    copying.start()
    copying.until_streaming()
    copying.sql(SESSION, *FILL)
    copying.until_caught_up()

    done = cdc(copying, "backfill", f"{copying.schema}.everything")

    assert done.returncode == 0, done.stderr
    messages = told(copying, "everything")
    created = {each.key["id"]: each.value["after"] for each in messages if each.change[0] == "c"}
    read = {each.key["id"]: each.value["after"] for each in reads(messages)}
    assert len(created) == len(FILL)
    assert read == created


@pytest.mark.slow  # writes for seconds
@pytest.mark.parametrize("seed", range(3))
def test_no_read_is_older_than_what_stands_before_it(copying: Stream, seed: int) -> None:
    fill(copying, range(60))
    copying.settings["start"] = "now"
    copying.start()
    copying.until_streaming()

    with changing(copying, seed):
        for _ in range(3):
            backfill(copying)
    copying.until_caught_up()

    messages = told(copying, "items")

    kinds = {each.change[0] for each in messages}
    assert {"r", "c", "u", "d"} <= kinds
    table = {key: {"id": key, **rest} for key, rest in copying.rows("items").items()}
    assert known_rows(messages) == table


@ONE_KIND
def test_what_a_mapping_hides_is_not_read(copying: Stream) -> None:
    copying.table(
        "people",
        "id INT NOT NULL PRIMARY KEY, name VARCHAR(20), email VARCHAR(20)",
        {"exclude": ["email"], "where": "name <> 'hidden'"},
    )
    copying.sql("INSERT INTO people VALUES (1, 'Ann', 'ann@x'), (2, 'hidden', 'b@x')")
    copying.start()

    until_copied(copying, 2)

    assert changes(told(copying, "people")) == [("r", None, {"id": 1, "name": "Ann"})]


def test_a_resync_reads_all_rows_and_tells_of_none_that_is_gone(copying: Stream) -> None:
    fill(copying, range(ROWS))
    copying.start()
    until_copied(copying)
    copying.sql("SET sql_log_bin = 0", "DELETE FROM items WHERE id = 5")
    before = len(told(copying, "items"))

    done = cdc(copying, "resync", f"{copying.schema}.items")

    assert done.returncode == 0, done.stderr
    copying.assert_same_content()
    again = told(copying, "items")[before:]
    assert [each.change[0] for each in again] == ["r"] * (ROWS - 1)
    assert {each.key["id"] for each in again} == {*range(ROWS)} - {5}


def test_a_repair_reads_the_rows_whose_documents_it_mends(copying: Stream) -> None:
    fill(copying, range(ROWS))
    copying.start()
    until_copied(copying)
    copying.database["items"].update_one({"_id": 3}, {"$set": {"word": "wrong"}})
    copying.database["items"].delete_one({"_id": 7})
    copying.database["items"].insert_one({"_id": 99, "word": "extra"})
    before = len(told(copying, "items"))
    found = cdc(copying, "verify", f"{copying.schema}.items")
    assert found.returncode == 1
    assert len(told(copying, "items")) == before

    done = cdc(copying, "verify", f"{copying.schema}.items", "--repair")

    assert done.returncode == 0, done.stderr
    copying.assert_same_content()
    assert changes(told(copying, "items")[before:]) == [
        ("r", None, row(3, "w")),
        ("r", None, row(7, "w")),
    ]


@ONE_KIND
def test_a_part_of_a_table_can_be_read(copying: Stream) -> None:
    copying.settings["start"] = "now"
    fill(copying, range(ROWS))
    copying.start()
    copying.until_streaming()

    backfill(copying, "--from", "3", "--to", "5")
    backfill(copying, "--where", "id % 6 = 0")

    assert [each.key["id"] for each in told(copying, "items")] == [3, 4, 5, 0, 6]


def test_with_only_rows_are_read_and_no_document_is_written(copying: Stream) -> None:
    fill(copying, range(ROWS))
    copying.settings["publish"]["only"] = True
    copying.start()
    until_copied(copying)
    copying.sql("UPDATE items SET word = 'x' WHERE id = 3")
    copying.until_caught_up()

    backfill(copying)

    messages = told(copying, "items")
    assert [each.change[0] for each in messages] == ["r"] * ROWS + ["u"] + ["r"] * ROWS
    assert known_rows(messages)[3] == row(3, "x")
    assert copying.documents("items") == {}
    assert len(jobs(copying, "done")) == 2


@ONE_KIND
def test_a_row_that_is_too_large_fails_its_job_alone(copying: Stream) -> None:
    copying.settings["publish"]["kafka"]["max_message_bytes"] = 2_000
    copying.table("texts", "id INT NOT NULL PRIMARY KEY, content TEXT")
    copying.sql("INSERT INTO texts VALUES (1, REPEAT('x', 3000))")
    fill(copying, range(ROWS))
    copying.settings["http"] = {"listen": "127.0.0.1:0"}
    daemon = copying.start()

    [failed] = eventually(lambda: jobs(copying, "failed"), waiting_for="the job to fail")

    assert "max_message_bytes" in failed["error"]
    assert failed["table"] == f"{copying.schema}.texts"
    assert metrics(daemon)["cdc_kafka_connected"] == 1
    eventually(lambda: len(jobs(copying, "done")) == 1, waiting_for="the other job")
    copying.sql("INSERT INTO items VALUES (100, 'after')")
    copying.until_caught_up()
    assert told(copying, "items")[-1].change == ("c", None, row(100, "after"))
    assert told(copying, "texts") == []


def test_a_row_has_the_key_of_its_changes_where_another_serves_for_a_primary_key(
    copying: Stream,
) -> None:
    copying.table(
        "loose",
        "n INT NULL, b VARCHAR(9) NOT NULL, a INT NOT NULL, UNIQUE KEY (n), UNIQUE KEY k (a, b)",
        {"id": ["a", "b"]},
    )
    copying.settings["start"] = "now"
    copying.start()
    copying.until_streaming()
    copying.sql("INSERT INTO loose VALUES (1, 'b', 2)")
    copying.until_caught_up()

    done = cdc(copying, "backfill", f"{copying.schema}.loose")

    assert done.returncode == 0, done.stderr
    created, read = told(copying, "loose")
    assert (created.change[0], read.change[0]) == ("c", "r")
    assert created.key == read.key == {"a": 2, "b": "b"}


@ONE_KIND
def test_workers_make_no_first_copy_of_a_stream_that_publishes(copying: Stream) -> None:
    copying.settings["chunks"]["workers"] = 2
    fill(copying, range(ROWS))
    daemon = copying.start()

    until_copied(copying)

    [said] = daemon.events("copied_by_the_stream")
    assert "published" in said["why"]
    assert len(reads(told(copying, "items"))) == ROWS


@ONE_KIND
def test_a_command_without_a_daemon_publishes_too(copying: Stream) -> None:
    copying.settings["start"] = "now"
    fill(copying, range(ROWS))
    copying.start()
    copying.until_streaming()
    copying.stop()

    alone = Command(copying, "backfill", f"{copying.schema}.items")

    assert alone.returncode == 0, alone.stderr
    assert len(reads(told(copying, "items"))) == ROWS
