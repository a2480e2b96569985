"""Documents whose `_id` is a document of one field, as Kafka Connect's sink writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bson import Int64

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.stream import Stream

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
OF_ONE = [{"column": "id", "name": "id"}]
OTHERWISE = [{"column": "id", "name": "number"}]
EMBEDS = {"parts": {"many": "parts", "on": {"_id.id": "_id.order"}, "order": ["_id.n"]}}
PARENT = {"order": {"one": "items", "on": {"_id.order": "_id.id"}}}


def found(stream: Stream, collection: str = "items") -> dict[str, Any]:
    """Return documents by the JSON of their ids."""
    return {
        json.dumps(each.pop("_id"), default=str): each
        for each in stream.database[collection].find().sort("_id", 1)
    }


@pytest.mark.parametrize(("mapped", "name"), [(OF_ONE, "id"), (OTHERWISE, "number")])
def test_what_a_sink_has_written_is_verified_and_put_right(
    stream: Stream, mapped: list[dict[str, str]], name: str
) -> None:
    stream.table("items", COLUMNS, {"id": mapped})
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three'), (-7, 'minus')")
    stream.database["items"].insert_many(
        [
            {"_id": {name: 1}, "word": "one"},
            {"_id": {name: Int64(2)}, "word": "wrong"},
            {"_id": {name: Int64(-7)}, "word": "minus"},
            {"_id": {name: 99}, "word": "gone"},
            {"_id": {"other": 1}, "word": "of nobody"},
            {"_id": 1, "word": "a bare value"},
        ]
    )
    stream.settings["start"] = "now"
    stream.start(ledger=False)
    stream.until_caught_up()
    table = f"{stream.schema}.items"

    verified = cdc(stream, "verify", table)
    dry = cdc(stream, "resync", table, "--dry-run")
    repaired = cdc(stream, "verify", table, "--repair")
    equal = cdc(stream, "verify", table)

    assert verified.returncode == 1, verified.stdout
    assert "4 rows compared, 1 missing, 3 extra, 1 different" in verified.stdout
    assert f"extra     items {{'{name}': 99}}\n" in verified.stdout
    assert "extra     items {'other': 1}  (no mapping makes such an id)" in verified.stdout
    assert "2 documents would be removed" in dry.stdout, dry.stdout
    assert repaired.returncode in (0, 1), repaired.stderr
    assert equal.returncode == 0, equal.stdout + equal.stderr
    assert found(stream) == {
        f'{{"{name}": -7}}': {"word": "minus"},
        f'{{"{name}": 1}}': {"word": "one"},
        f'{{"{name}": 2}}': {"word": "two"},
        f'{{"{name}": 3}}': {"word": "three"},
    }


def test_copy_stream_and_resync_agree(stream: Stream) -> None:
    stream.table("items", COLUMNS, {"id": OF_ONE})
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 2}
    stream.start(ledger=False).until_logged("job_done")
    stream.sql(
        "INSERT INTO items VALUES (4, 'four')",
        "UPDATE items SET word = 'TWO' WHERE id = 2",
        "UPDATE items SET id = 30 WHERE id = 3",
        "DELETE FROM items WHERE id = 1",
    )
    stream.until_caught_up()
    streamed = found(stream)
    stream.database["items"].delete_one({"_id": {"id": 4}})
    stream.database["items"].insert_one({"_id": {"id": 31}})

    wrong = cdc(stream, "verify")
    resynced = cdc(stream, "resync", "--all")
    equal = cdc(stream, "verify")

    assert streamed == {
        '{"id": 2}': {"word": "TWO"},
        '{"id": 4}': {"word": "four"},
        '{"id": 30}': {"word": "three"},
    }
    assert "3 rows compared, 1 missing, 1 extra\n" in wrong.stdout
    assert "1 removed" in resynced.stdout, resynced.stderr
    assert equal.returncode == 0, equal.stdout
    assert found(stream) == streamed
    stream.sql("TRUNCATE items")
    stream.until_caught_up()
    assert found(stream) == {}


def test_they_embed_and_are_embedded(stream: Stream) -> None:
    stream.table("items", COLUMNS, {"id": OF_ONE, "embed": EMBEDS})
    stream.table(
        "parts",
        "order_id INT NOT NULL, n INT NOT NULL, PRIMARY KEY (order_id, n)",
        {"id": [{"column": "order_id", "name": "order"}, "n"]},
    )
    stream.sql(
        "INSERT INTO items VALUES (1, 'one'), (2, 'two')",
        "INSERT INTO parts VALUES (1, 2), (1, 1), (2, 7)",
    )
    stream.settings["start"] = "backfill"
    daemon = stream.start(ledger=False)
    daemon.until_logged("job_done")
    stream.sql("INSERT INTO parts VALUES (2, 3)", "DELETE FROM parts WHERE order_id = 1 AND n = 2")
    stream.until_caught_up()

    verified = cdc(stream, "verify")
    shown = cdc(stream, "mapping", "preview", f"{stream.schema}.items", "--output", "json")

    assert verified.returncode == 0, verified.stdout + verified.stderr
    whole = [
        {"_id": {"id": 1}, "word": "one", "parts": [{"_id": {"order": 1, "n": 1}}]},
        {
            "_id": {"id": 2},
            "word": "two",
            "parts": [{"_id": {"order": 2, "n": 3}}, {"_id": {"order": 2, "n": 7}}],
        },
    ]
    assert [*stream.database["items"].find().sort("_id", 1)] == whole
    documents = [json.loads(line)["document"] for line in shown.stdout.splitlines()]
    assert documents == whole
