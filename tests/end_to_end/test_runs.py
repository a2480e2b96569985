"""Transactions that are read and applied as one run come out as each would alone.

The daemons keep no ledger here: it would have every run taken apart.
"""

from __future__ import annotations

from tests.end_to_end.support.stream import Stream

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), number INT, data TEXT"
FIELDS = {"word": "word", "number": "number", "data": {"column": "data", "type": "json"}}
ROWS = 200


def items(stream: Stream) -> None:
    """Start once, so that the checkpoint is before all rows, and stop."""
    stream.table("items", COLUMNS, {"fields": FIELDS})
    stream.database.create_collection("items", validator={"number": {"$not": {"$gt": 100}}})
    stream.start(ledger=False)
    stream.until_streaming()
    stream.until_caught_up()
    stream.stop()


def inserted(stream: Stream, number: int, values: str) -> str:
    """Insert a row alone; return the source's name of its transaction."""
    before = stream.history.committed()
    stream.sql(f"INSERT INTO items VALUES ({number}, {values})")
    [identity] = stream.history.committed() - before
    return identity


def test_a_row_that_is_set_aside_from_a_run_names_its_own_transaction(stream: Stream) -> None:
    items(stream)
    stream.sql(*(f"INSERT INTO items VALUES ({n}, 'w{n}', 1, '[{n}]')" for n in range(ROWS)))
    refused = inserted(stream, 1000, "'refused', 500, NULL")
    stream.sql(*(f"UPDATE items SET number = 2 WHERE id = {n}" for n in range(ROWS)))
    unmappable = inserted(stream, 1001, "'unmappable', 1, 'no JSON'")
    stream.sql(*(f"DELETE FROM items WHERE id = {n}" for n in range(0, ROWS, 2)))

    stream.start(ledger=False)
    stream.until_caught_up()

    letters = {each["key"]: each for each in stream.state["dead_letters"].find()}
    assert {key: each["transaction"] for key, each in letters.items()} == {
        1000: refused,
        1001: unmappable,
    }
    documents = stream.documents("items")
    assert documents.keys() == {*range(1, ROWS, 2)}
    assert {(each["number"], *each["data"]) for each in documents.values()} == {
        (2, n) for n in range(1, ROWS, 2)
    }


def test_a_run_whose_last_states_collide_is_applied_in_the_source_s_order(stream: Stream) -> None:
    items(stream)
    stream.database["items"].create_index("word", unique=True)
    stream.sql(*(f"INSERT INTO items VALUES ({n}, 'w{n}', 1, NULL)" for n in range(ROWS)))
    swap = [
        "UPDATE items SET word = 'between' WHERE id = 1",
        "UPDATE items SET word = 'w1' WHERE id = 2",
        "UPDATE items SET word = 'w2' WHERE id = 1",
    ]
    stream.start(ledger=False)
    stream.until_caught_up()
    stream.stop()
    stream.sql(*swap, *(f"UPDATE items SET number = 3 WHERE id = {n}" for n in range(3, ROWS)))

    stream.start(ledger=False)
    stream.until_caught_up()

    documents = stream.documents("items")
    assert [documents[n]["word"] for n in (1, 2, 3)] == ["w2", "w1", "w3"]
    assert not [*stream.state["dead_letters"].find()]
