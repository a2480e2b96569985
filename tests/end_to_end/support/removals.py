"""Two streams of one state database, and what is kept of each."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
OWN_IDS: dict[str, Any] = {"id": [{"source": "stream"}, "id"]}
Streams = tuple[Stream, Stream]


def set_up(streams: Streams) -> Streams:
    """One of each kind of server, with one state and one target database; the first is settled.

    It has a collection of its own, one that both write, and a hidden one.
    """
    first, second = streams
    for each in (first, second):
        each.settings["start"] = "backfill"
        each.table("shared", COLUMNS, OWN_IDS)
        each.sql("INSERT INTO shared VALUES (1, 'a')")
    first.table("people", COLUMNS, {"hidden": True})
    first.table(
        "own",
        "id INT NOT NULL PRIMARY KEY, owner INT",
        {"embed": {"person": {"one": "people", "on": "owner"}}},
    )
    first.sql("INSERT INTO people VALUES (1, 'p')", "INSERT INTO own VALUES (1, 1)")
    for each in (first, second):
        each.start(ledger=False)
        eventually(partial(copied, each), waiting_for="the copies")
        each.until_caught_up()
    first.state["dead_letters"].insert_one({"_id": "letter", "stream": first.name})
    first.state["debts"].insert_one({"_id": {"stream": first.name, "embed": "e", "key": 1}})
    return streams


def copied(stream: Stream) -> bool:
    jobs = [*stream.state["jobs"].find({"stream": stream.name})]
    return bool(jobs) and all(each["state"] == "done" for each in jobs)


def trace(stream: Stream) -> dict[str, int]:
    """All that the state database holds of a stream, by where."""
    names = stream.state.list_collection_names()
    counted = {
        "streams": stream.state["streams"].count_documents({"_id": stream.name}),
        "jobs": stream.state["jobs"].count_documents({"stream": stream.name}),
        "dead_letters": stream.state["dead_letters"].count_documents({"stream": stream.name}),
        "debts": stream.state["debts"].count_documents({"_id.stream": stream.name}),
        "claims": stream.state["claims"].count_documents(
            {"$or": [{"stream": stream.name}, {"shared.stream": stream.name}]}
        ),
        "hidden": sum(each.startswith(f"embedded-{stream.name}.") for each in names),
    }
    return {name: count for name, count in counted.items() if count}
