"""What a resync would remove is told first, and what no mapping made stays until it was named."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream

BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
FOREIGN: list[Any] = [
    ObjectId("0123456789abcdef01234567"),
    {"app": 1},
    {"app": 1, "at": ObjectId("0123456789abcdef01234568")},
]


def copied(stream: Stream, **mapping: Any) -> Stream:
    stream.table("items", COLUMNS, mapping)
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    stream.settings["start"] = "backfill"
    stream.start(ledger=False)
    stream.daemon.until_logged("job_done")
    stream.until_caught_up()
    return stream


def ids(stream: Stream) -> list[Any]:
    return [each["_id"] for each in stream.database["items"].find()]


@ONE_KIND
def test_a_dry_run_names_what_would_go_and_changes_nothing(stream: Stream) -> None:
    copied(stream)
    stream.database["items"].insert_many([{"_id": each} for each in range(10, 120)])
    stream.database["items"].update_one({"_id": 1}, {"$set": {"word": "wrong"}})
    before = stream.documents("items")

    dry = cdc(stream, "resync", f"{stream.schema}.items", "--dry-run")

    assert dry.returncode == 0, dry.stderr
    assert "110 documents would be removed" in dry.stdout
    assert dry.stdout.count("extra     items ") == 100
    assert "extra     items 10\n" in dry.stdout
    assert "and 10 more" in dry.stdout
    assert stream.documents("items") == before

    done = cdc(stream, "resync", f"{stream.schema}.items")
    assert done.returncode == 0
    assert "110 removed" in done.stdout
    assert "removed   items 10\n" in done.stdout
    assert "and 10 more" in done.stdout
    assert stream.documents("items") == stream.rows("items")


@ONE_KIND
def test_a_dry_run_without_a_daemon_changes_nothing_either(stream: Stream) -> None:
    copied(stream)
    stream.stop()
    stream.database["items"].insert_one({"_id": 7})

    dry = cdc(stream, "resync", "--all", "--dry-run")

    assert dry.returncode == 0, dry.stderr
    assert "1 document would be removed" in dry.stdout
    assert {*ids(stream)} == {1, 2, 7}


@BOTH_SERVERS
def test_what_no_mapping_could_have_made_is_left_by_a_resync_and_named_by_verify(
    stream: Stream,
) -> None:
    copied(stream)
    stream.database["items"].insert_many([{"_id": each} for each in [7, *FOREIGN]])
    table = f"{stream.schema}.items"

    dry = cdc(stream, "resync", table, "--dry-run")
    assert "1 document would be removed" in dry.stdout
    assert "3 documents have ids that no mapping makes" in dry.stdout
    resync = cdc(stream, "resync", table)
    assert "1 removed" in resync.stdout
    assert "3 documents have ids that no mapping makes" in resync.stdout
    assert f"cdc verify --config {stream.config} {table} --repair" in resync.stdout
    assert sorted(map(str, ids(stream))) == sorted(map(str, [1, 2, *FOREIGN]))

    verify = cdc(stream, "verify", table)
    assert verify.returncode == 1
    assert verify.stdout.count("(no mapping makes such an id)") == 3
    repair = cdc(stream, "verify", table, "--repair")
    assert repair.returncode == 0, repair.stdout
    assert ids(stream) == [1, 2]


@ONE_KIND
def test_verify_removes_what_no_mapping_could_have_made_only_as_far_as_it_names_it(
    stream: Stream,
) -> None:
    copied(stream)
    stream.database["items"].insert_many([{"_id": ObjectId()} for _ in range(101)])
    table = f"{stream.schema}.items"

    repair = cdc(stream, "verify", table, "--repair")

    assert repair.returncode == 1
    assert repair.stdout.count("(no mapping makes such an id)") == 100
    assert len(ids(stream)) == 3
    assert cdc(stream, "verify", table, "--repair").returncode == 0
    assert ids(stream) == [1, 2]


@ONE_KIND
def test_a_dry_run_tells_nothing_of_documents_that_are_marked_already(stream: Stream) -> None:
    copied(stream, on_delete={"set": {"gone": True}})
    stream.sql("DELETE FROM items WHERE id = 2")
    stream.until_caught_up()
    stream.database["items"].insert_one({"_id": 9, "word": "left"})

    dry = cdc(stream, "resync", f"{stream.schema}.items", "--dry-run")

    assert "1 document would be removed, or marked" in dry.stdout
    assert stream.documents("items")[9] == {"word": "left"}
