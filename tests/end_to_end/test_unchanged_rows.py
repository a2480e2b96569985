"""Updates of columns that a mapping leaves out write nothing, and lose nothing."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), looked_at INT NOT NULL DEFAULT 0"
MAPPING = {"fields": {"word": "word"}, "stamp": "written_at"}


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_an_update_that_changes_nothing_of_a_document_does_not_write_it(stream: Stream) -> None:
    stream.settings["http"] = {"listen": "127.0.0.1:0"}
    stream.table("items", COLUMNS, MAPPING)
    daemon = stream.start()
    stream.sql("INSERT INTO items (id, word) VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    stream.until_caught_up()
    before = stream.documents("items")

    stream.transaction(
        "UPDATE items SET looked_at = looked_at + 1",
        "UPDATE items SET looked_at = 9, word = 'TWO' WHERE id = 2",
        "UPDATE items SET looked_at = 10",
        "UPDATE items SET id = 4 WHERE id = 3",
    )
    stream.until_caught_up()

    after = stream.documents("items")
    assert after[1] == before[1]
    assert {number: each["word"] for number, each in after.items()} == {
        1: "one",
        2: "TWO",
        4: "three",
    }
    name = f"cdc_unchanged_rows_total{{{stream.schema}.items}}"
    eventually(lambda: metrics(daemon).get(name) == 6)
    stream.stop()
