"""Resync and verify find rows by the ids of their documents, whatever these are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId
from bson.datetime_ms import DatetimeMS

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)

Differences = list[tuple[str, str, Any]]


def until_copied(stream: Stream) -> None:
    def copied() -> bool:
        stream.daemon.check_alive(waiting_for="the jobs to end")
        return stream.state["jobs"].count_documents({"state": {"$ne": "done"}}) == 0

    stream.until_streaming()
    eventually(copied, waiting_for="the jobs to end")


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
        (each["collection"], each["kind"], each["id"])
        for job in json.loads(command.stdout)
        for each in job["findings"]
    ]
    assert code == bool(found), command.stderr
    return sorted(found, key=str)


def resynced(stream: Stream, *tables: str) -> None:
    command = Command(stream, "resync", *(f"{stream.schema}.{table}" for table in tables))
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


ODD: list[Any] = [
    *(ObjectId(), None, True, "5", "2024-01-01", "x", 5.5, float("inf"), {}),
    *({"a": 5}, Binary(b"\xff"), Binary(bytes(16), 4), Code("x"), MinKey(), MaxKey()),
    *map(Decimal128, ("-Infinity", "sNaN", "1E+6111", "-1E-6176", "18446744073709551617")),
    *(DatetimeMS(each) for each in (253_402_300_800_000, -(1 << 60), 1)),
]
"""Ids that other programs may have written."""
NO_MAPPINGS = 7
"""Of these no mapping makes so many: a resync leaves them, as it says."""
KEYS = {
    "INT": "5",
    "VARCHAR(20)": "'X'",
    "DATETIME(3)": "'2024-01-01'",
    "DECIMAL(20,3)": "5",
}


def test_documents_of_whatever_id_are_found_and_taken_away(stream: Stream) -> None:
    for number, (kind, value) in enumerate(KEYS.items()):
        stream.table(f"t{number}", f"id {kind} NOT NULL PRIMARY KEY, at DATETIME(3)")
        stream.sql(f"INSERT INTO t{number} VALUES ({value}, NOW(3))")
    started(stream)
    for table in stream.tables:
        stream.database[table].insert_many([{"_id": each} for each in ODD])
        stream.database[table].update_one(
            {"at": {"$ne": None}}, {"$set": {"at": DatetimeMS(253_402_300_800_000)}}
        )

    found = Command(stream, "verify", "--output", "json")
    assert found.returncode == 1, found.stderr
    resynced(stream, *stream.tables)

    for job in json.loads(found.stdout):
        assert (job["extra"], job["different"]) == (len(ODD), 1), job
    left = [stream.database[each].count_documents({}) for each in stream.tables]
    assert left == [1 + NO_MAPPINGS] * len(KEYS)
    assert Command(stream, "verify", "--repair").returncode == 0
    assert [stream.database[each].count_documents({}) for each in stream.tables] == [1] * len(KEYS)


def test_a_table_without_a_primary_key_is_kept_by_a_unique_key(stream: Stream) -> None:
    columns = "a INT NOT NULL, b VARCHAR(9) NOT NULL, n INT, UNIQUE (b, a)"
    stream.table("keyless", columns, {"id": ["a", "b"]})
    rows = ",".join(f"({n % 9}, '{n}', {n})" for n in range(99))
    stream.sql(f"INSERT INTO keyless VALUES {rows}")
    started(stream)
    stream.sql("DELETE FROM keyless WHERE n < 9", "UPDATE keyless SET b = 'X' WHERE n = 10")
    stream.sql("UPDATE keyless SET b = 'x' WHERE n = 10")
    stream.until_caught_up()
    stream.database["keyless"].insert_one({"_id": {"a": 1, "b": "X"}, "n": 10})
    stream.database["keyless"].delete_one({"_id": {"a": 2, "b": "11"}})

    found = verified(stream)
    resynced(stream, "keyless")

    assert found == [
        ("keyless", "extra", {"a": 1, "b": "X"}),
        ("keyless", "missing", {"a": 2, "b": "11"}),
    ]
    assert verified(stream) == []
    assert stream.database["keyless"].count_documents({}) == 90
