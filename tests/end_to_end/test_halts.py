"""Where going on would lose or invent data the daemon stops, exit code 4, and says what to do."""

from __future__ import annotations

import json
import re

import pytest
from pymongo import MongoClient

from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.halting import HALTED, halted
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.binlogs import purge
from tests.support.dialect import reset_logs
from tests.support.waiting import eventually


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    return stream


def reset(stream: Stream) -> None:
    """Make the source forget its log."""
    stream.sql(reset_logs(stream.source))


def test_a_purged_position_is_named_with_what_is_left(own_source: Stream) -> None:
    own_source.sql("INSERT INTO items VALUES (2, 'never read')", "FLUSH BINARY LOGS")
    own_source.sql("INSERT INTO items VALUES (3, 'still there')")
    oldest = purge(own_source.source)
    state = own_source.state_document()
    assert state is not None

    said = halted(own_source.start())

    assert said["error"] == "PositionPurged"
    asked_for = state["position"].get("file") or next(iter(state["position"].values()))
    assert asked_for in said["message"]
    assert oldest in said["message"]
    assert "cdc position set" in said["remedy"]
    assert own_source.documents("items").keys() == {1}
    check = Command(own_source, "check")
    assert check.returncode == 3
    assert said["message"].split(":")[0] in check.stdout


def test_a_source_that_lost_transactions_is_refused(own_source: Stream) -> None:
    reset(own_source)
    own_source.sql("INSERT INTO items VALUES (2, 'in another history')")

    said = halted(own_source.start())

    assert said["error"] == "SourceDiverged"
    assert own_source.documents("items").keys() == {1}


def test_a_source_that_loses_transactions_while_it_is_out_of_reach_is_refused(
    own_source: Stream,
) -> None:
    with Proxy(own_source.source.port) as proxy:
        own_source.proxied_source(proxy.port)
        own_source.start()
        own_source.until_streaming()
        proxy.black_hole()
        reset(own_source)
        own_source.sql("INSERT INTO items VALUES (2, 'in another history')")
        proxy.heal()

        said = halted(own_source.daemon)

    assert said["error"] == "SourceDiverged"
    assert own_source.documents("items").keys() == {1}


@pytest.mark.parametrize("own_source", ["mysql-file", "mariadb-file"], indirect=True)
def test_a_log_created_anew_under_the_same_name_is_not_taken_for_the_old_one(
    own_source: Stream,
) -> None:
    state = own_source.state_document()
    assert state is not None
    reset(own_source)
    # Files are told apart by their creation time, which is in seconds.
    own_source.source.restart()
    reset(own_source)
    while _end(own_source) <= (state["position"]["file"], state["position"]["offset"]):
        own_source.sql("INSERT INTO items VALUES (2, 'new')", "DELETE FROM items WHERE id = 2")
        if _end(own_source)[0] < state["position"]["file"]:
            own_source.sql("FLUSH BINARY LOGS")

    said = halted(own_source.start())

    assert "created anew" in said["message"]


@pytest.mark.parametrize("own_source", ["mysql-file", "mariadb-file"], indirect=True)
def test_a_file_of_which_nothing_was_read_yet_is_known_by_its_creation_time(
    own_source: Stream,
) -> None:
    own_source.start()
    own_source.sql("FLUSH BINARY LOGS")
    own_source.until_caught_up()
    *_, (file, *_) = own_source.source.execute("SHOW BINARY LOGS")

    def known() -> bool:
        state = own_source.state_document() or {"position": {}}
        return bool(state["position"]["file"] == file and state["position"]["created"])

    eventually(known)


def _end(stream: Stream) -> tuple[str, int]:
    *_, (file, size, *_) = stream.source.execute("SHOW BINARY LOGS")
    return str(file), int(size)


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_source_that_cannot_be_followed_is_told_while_the_target_is_away(items: Stream) -> None:
    with Proxy(items.mongo.port) as proxy:
        items.proxied_target(proxy.port)
        items.start()
        items.sql("INSERT INTO items VALUES (1, 'applied')")
        items.until_caught_up()
        proxy.black_hole()
        items.sql("INSERT INTO items VALUES (2, 'waits')")
        items.daemon.until_logged("target_retry")

        items.sql("SET SESSION binlog_format = STATEMENT", "UPDATE items SET word = 'refused'")

        said = halted(items.daemon)
        proxy.heal()  # else what hangs in the hole opens a transaction that nobody ends
    assert "logged as a statement" in said["message"]
    assert items.documents("items").keys() == {1}


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_what_has_ended_the_daemon_is_told_until_one_takes_over(items: Stream) -> None:
    """And nothing of one that was stopped."""
    items.start()
    items.sql("INSERT INTO items VALUES (1, 'applied')")
    items.settle()
    items.stop()
    assert status(items)["ended_by"] is None
    items.start()
    items.until_streaming()

    items.sql("SET SESSION binlog_format = STATEMENT", "UPDATE items SET word = 'refused'")

    said = halted(items.daemon)
    told = status(items)
    assert told["state"] == "stopped"
    assert (told["ended_by"]["error"], told["ended_by"]["exit_code"]) == (said["error"], HALTED)
    assert said["message"] in told["ended_by"]["message"]
    assert said["position"] in told["ended_by"]["message"]
    assert told["ended_by"]["remedy"].endswith("cdc position skip")
    table = cdc(items, "status").stdout
    assert re.search(rf"^ended +[-0-9]+ [:0-9]+ UTC, {said['error']}: ", table, re.MULTILINE)
    assert f"ended by {said['error']}" in cdc(items, "status", "--all").stdout
    checked = cdc(items, "check", "--output", "json")
    assert checked.returncode == 0
    [found] = [
        each for each in json.loads(checked.stdout)["findings"] if each["check"] == "last end"
    ]
    assert found["outcome"] == "warning"
    assert said["message"] in found["what"]

    assert cdc(items, "position", "skip", "--yes").returncode == 0
    assert status(items)["ended_by"] is None


def status(stream: Stream) -> Document:
    found: Document = json.loads(cdc(stream, "status", "--output", "json").stdout)
    return found


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_state_document_that_vanishes_stops_the_daemon(items: Stream) -> None:
    items.start()
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()

    items.state["streams"].delete_one({"_id": items.name})
    items.sql("INSERT INTO items VALUES (2, 'two')")

    assert halted(items.daemon)["error"] == "StateMissing"
    assert items.documents("items").keys() == {1}


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_a_stranger_with_the_same_server_id_is_named(
    items: Stream, client: MongoClient[Document], make_stream: MakeStream
) -> None:
    """About 4 seconds."""
    other = make_stream(items.source, items.mongo, client, type(items.history))
    other.table("others", "id INT NOT NULL PRIMARY KEY")
    items.settings["source"]["server_id"] = other.settings["source"]["server_id"] = 123456
    items.start()
    items.until_streaming()

    other.start()
    ended = eventually(
        lambda: next((each for each in (items, other) if not each.daemon.running), None)
    )

    # MariaDB does not tell who has it, and cuts off the one, then the other, until one gives up.
    assert ended is not None
    if items.source.flavour == "mariadb":
        assert ended.daemon.wait() == HALTED
    else:
        assert (ended, ended.daemon.wait()) == (other, 3)
    [said] = ended.daemon.events("stopped")
    ways = ("choose another source.server_id", "source.server_id of its own")
    assert any(way in said["remedy"] for way in ways)
