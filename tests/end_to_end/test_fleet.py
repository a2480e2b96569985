"""`cdc status --all`: every stream of a state database, the worst first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

Streams = tuple[Stream, Stream]


@pytest.fixture
def streams(two_streams: Streams) -> Streams:
    """Both follow tables of their own, to collections of their own names."""
    for each, table in zip(two_streams, ("items", "things"), strict=True):
        each.table(table, "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    return two_streams


def fleet(stream: Stream) -> list[dict[str, Any]]:
    told = cdc(stream, "status", "--all", "--output", "json")
    assert told.returncode == 0
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def test_it_tells_of_each_stream_and_of_one_that_nobody_runs_first(streams: Streams) -> None:
    first, second = streams
    first.sql("INSERT INTO items VALUES (1, 'one')")
    second.sql("INSERT INTO things VALUES (1, 'one')")
    for each in streams:
        each.start()
        each.until_caught_up()

    def both_caught_up() -> bool:
        return [(each["state"], each["lag_seconds"]) for each in fleet(first)] == [
            ("active", 0.0),
            ("active", 0.0),
        ]

    eventually(both_caught_up, waiting_for="both daemons to tell that they have no lag")
    second.stop()

    [worst, other] = fleet(first)

    assert (worst["stream"], worst["state"], worst["active"]) == (second.name, "stopped", None)
    assert worst["lag_seconds"] is None
    assert worst["position"]
    assert worst["updated_seconds_ago"] is not None
    assert (other["stream"], other["state"]) == (first.name, "active")
    assert other["lag_seconds_ago"] < 60
    shown = cdc(second, "status", "--all").stdout.splitlines()
    assert shown[0].split() == [
        *("STREAM", "STATE", "LAG", "JOBS", "LETTERS", "OWED", "UPDATED", "DAEMON")
    ]
    assert [line.split()[:2] for line in shown[1:]] == [
        [second.name, "stopped"],
        [first.name, "active"],
    ]


def test_letters_failed_jobs_and_a_lag_that_grows_are_seen_there(streams: Streams) -> None:
    first, second = streams
    second.database.create_collection("things", validator={"word": {"$ne": "wrong"}})
    second.start()
    second.sql("INSERT INTO things VALUES (1, 'wrong')")
    second.until_caught_up()
    with Proxy(first.source.port) as proxy:
        first.proxied_source(proxy.port)
        first.settings["source"]["heartbeat_seconds"] = 1
        first.start()
        first.until_streaming()
        proxy.black_hole()

        def told() -> bool:
            worst, other = fleet(first)
            return (
                (worst["stream"], worst["dead_letters_open"]) == (second.name, 1)
                and other["stream"] == first.name
                and (other["lag_seconds"] or 0) > 5
            )

        eventually(told, waiting_for="the lag of a stream whose source is silent to grow")


def test_without_the_target_it_says_so_and_ends_with_1(streams: Streams) -> None:
    first, _ = streams
    first.proxied_target(1)
    first.configure()

    told = cdc(first, "status", "--all")

    assert told.returncode == 1
    assert told.stdout == ""
    assert "cannot be reached" in told.stderr
