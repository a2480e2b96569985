from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.end_to_end.support.stream import Stream

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
