"""Statements that take rows away without rows events: what becomes of their documents."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.writers.collection_clear import PIECE
from cdc.writers.observer import WriteStep
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
PIECES = 3


def fill(stream: Stream, table: str = "items") -> None:
    """Give the table so many rows that clearing takes `PIECES` pieces."""
    rows = ", ".join(f"({number}, 'old')" for number in range((PIECES - 1) * PIECE + 10))
    stream.sql(f"INSERT INTO {table} VALUES {rows}")


def followed(stream: Stream, **policies: Any) -> Stream:
    stream.table("items", COLUMNS, policies)
    return stream


def test_truncate_takes_the_documents_away_and_goes_on(stream: Stream) -> None:
    followed(stream)
    stream.start()
    stream.sql(
        "INSERT INTO items VALUES (1, 'old'), (2, 'old')",
        "TRUNCATE TABLE items",
        "INSERT INTO items VALUES (2, 'new'), (3, 'new')",
    )

    stream.settle()


@pytest.mark.parametrize("point", WriteStep, ids=lambda point: point.value)
@ONE_KIND
def test_a_daemon_killed_while_it_clears_begins_again_before_anything_later(
    stream: Stream, point: WriteStep
) -> None:
    followed(stream)
    fill(stream)
    stream.start()
    stream.until_caught_up()
    stream.stop()
    stream.sql("TRUNCATE TABLE items", "INSERT INTO items VALUES (1, 'new'), (2, 'new')")

    for _ in range(2):
        died = stream.start(fault=point.value)
        assert died.wait() == -9, died.stderr
    stream.start()
    stream.settle()


@ONE_KIND
def test_documents_of_rows_behind_the_statement_are_not_visible_before_it_is_done(
    stream: Stream,
) -> None:
    followed(stream)
    fill(stream)
    stream.start()
    stream.until_caught_up()
    stream.stop()
    state = stream.state_document()
    assert state is not None
    stream.sql("TRUNCATE TABLE items", "INSERT INTO items VALUES (1, 'new')")

    assert stream.start(fault="after_piece:2").wait() == -9

    left = stream.state_document()
    assert left is not None
    assert left["position"] == state["position"]
    assert left["sequence"] == state["sequence"] + 2
    assert len(stream.documents("items")) == 10
    assert all(document == {"word": "old"} for document in stream.documents("items").values())


@BOTH_SERVERS
@pytest.mark.parametrize("statement", ["DROP TABLE items", "RENAME TABLE items TO elsewhere"])
def test_a_table_that_goes_away_stops_the_stream_with_both_ways_to_go_on(
    stream: Stream, statement: str
) -> None:
    followed(stream)
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_streaming()

    stream.sql(statement)

    said = halted(stream.daemon)
    assert said["table"] == f"{stream.schema}.items"
    assert "on_drop: halt" in said["message"]
    assert "write on_drop: apply" in said["remedy"]
    assert "cdc position skip" in said["remedy"]
    assert stream.documents("items") == {1: {"word": "before"}}
