from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

RICH: dict[str, Any] = {
    "fields": {
        "who.name": {"column": "name", "mask": {"truncate": 2}},
        "who.mail": {"column": "mail", "mask": "hash"},
        "note": "note",
        "origin": {"value": "mysql"},
    },
    "nulls": "omit",
    "on_delete": {"set": {"deleted_at": "$now", "who.gone": True}},
}


DAY = "CAST(born AS DATE)"
"""A row error names the value's column, never the value."""


@pytest.fixture
def people(stream: Stream) -> Stream:
    stream.settings["mask_key"] = "a key of some length"
    stream.table(
        "people", "id INT NOT NULL PRIMARY KEY, name VARCHAR(40), mail VARCHAR(40), note TEXT", RICH
    )
    return stream


def test_masked_documents_are_marked_when_their_rows_go_and_come_back_clean(people: Stream) -> None:
    people.sql("INSERT INTO people VALUES (1, 'Ann', 'ann@x', NULL), (2, 'Bob', NULL, 'hi')")
    people.start()
    people.sql("DELETE FROM people", "INSERT INTO people VALUES (2, 'Bea', NULL, NULL)")
    people.until_caught_up()

    documents = people.documents("people")

    deleted_at = documents[1].pop("deleted_at")
    mail = documents[1]["who"].pop("mail")
    assert isinstance(deleted_at, datetime)
    assert len(mail) == 64
    assert documents == {
        1: {"who": {"name": "An", "gone": True}, "origin": "mysql"},
        2: {"who": {"name": "Be"}, "origin": "mysql"},
    }
    assert "ann@x" not in people.daemon.stderr


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_masked_column_is_in_no_log_and_in_no_job_that_has_ended(stream: Stream) -> None:
    stream.settings |= {"mask_key": "a key of some length", "start": "backfill"}
    stream.table(
        "secrets",
        "mail VARCHAR(40) COLLATE utf8mb4_bin PRIMARY KEY, pin VARCHAR(40), born VARCHAR(40)",
        {
            "id": {"column": "mail", "mask": "hash"},
            "fields": {"pin": {"column": "pin", "mask": "redact"}, "born": {"sql": DAY}},
        },
    )
    stream.sql("INSERT INTO secrets VALUES ('ann-SECRET', 'SECRET', '2024-02-29')")
    stream.start(ledger=False)
    stream.sql("INSERT INTO secrets VALUES ('bob-SECRET', 'SECRET', '20240229-SECRET')")

    def settled() -> bool:
        stream.daemon.check_alive(waiting_for="a dead letter and the copy")
        letters = stream.state["dead_letters"].count_documents({"reason": "value"})
        return letters == 1 and stream.state["jobs"].count_documents({"state": "done"}) == 1

    eventually(settled, waiting_for="a dead letter and the copy")
    jobs = [*stream.state["jobs"].find()]

    [document] = stream.database["secrets"].find()
    assert (document["pin"], document["born"]) == ("***", datetime(2024, 2, 29, tzinfo=UTC))
    assert [job["state"] for job in jobs] == ["done"]
    assert "SECRET" not in str([jobs, *stream.state["dead_letters"].find()])
    assert "SECRET" not in stream.daemon.stderr
