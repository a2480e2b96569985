"""Resync and verify find rows by the ids of their documents, whatever these are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)

Differences = list[tuple[str, str, Any]]


def until_copied(stream: Stream) -> None:
    def copied() -> bool:
        stream.daemon.check_alive(waiting_for="the jobs to end")
        return stream.state["jobs"].count_documents({"state": {"$ne": "done"}}) == 0

    stream.until_streaming()
    eventually(copied, 60, waiting_for="the jobs to end")


def started(stream: Stream) -> Stream:
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 40}
    stream.start(ledger=False)
    until_copied(stream)
    return stream


def verified(stream: Stream) -> Differences:
    """What verify finds, by collection, kind and id; its exit code must say the same."""
    command = Command(stream, "verify", "--output", "json")
    code = command.returncode
    found = [
        (each["collection"], each["kind"], each["_id"])
        for job in json.loads(command.stdout)
        for each in job["progress"]["findings"]
    ]
    assert code == bool(found), command.stderr
    return sorted(found, key=str)


def resynced(stream: Stream, table: str) -> None:
    command = Command(stream, "resync", f"{stream.schema}.{table}")
    assert command.returncode == 0, command.stdout + command.stderr


def test_rows_are_found_by_an_id_that_is_not_their_primary_key(stream: Stream) -> None:
    columns = "id INT PRIMARY KEY, number INT NOT NULL UNIQUE, a INT NOT NULL, b INT NOT NULL"
    stream.table("people", f"{columns}, UNIQUE (a, b)", {"id": "number"})
    stream.follow("pairs", {"source": f"{stream.schema}.people", "id": ["b", "a"]})
    stream.follow("plain", {"source": f"{stream.schema}.people"})
    rows = ",".join(f"({n}, {n * 10}, {n // 9}, {n % 9})" for n in range(1, 100))
    stream.sql(f"INSERT INTO people VALUES {rows}")
    started(stream)
    stream.database["people"].insert_many([{"_id": 7}, {"_id": 40_000}])
    stream.database["pairs"].insert_one({"_id": {"b": 99, "a": 1}})
    stream.database["plain"].delete_one({"_id": 7})

    found = verified(stream)
    resynced(stream, "people")

    assert found == [
        ("pairs", "extra", {"b": 99, "a": 1}),
        ("people", "extra", 40_000),
        ("people", "extra", 7),
        ("plain", "missing", 7),
    ]
    assert verified(stream) == []
    assert [stream.database[each].count_documents({}) for each in stream.tables] == [99] * 3
