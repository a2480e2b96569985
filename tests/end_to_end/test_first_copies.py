"""First copies by several workers: docs/architecture.md, "First copies by several workers"."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from pymongo import MongoClient

from cdc.model.first_copy import AHEAD
from cdc.writers.observer import WriteStep
from cdc_sandbox.servers import Flavour, MongoServer
from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.faulty import WORKER_FAULT
from tests.end_to_end.support.first_copies import (
    CHUNK_ROWS,
    begins,
    ranges,
    slow,
    until_begun,
    until_ranges,
)
from tests.end_to_end.support.jobs import jobs, until_copied
from tests.end_to_end.support.keys import INTEGER, KEYS
from tests.end_to_end.support.shuffling import ROWS, assert_same, fill, shuffled
from tests.end_to_end.support.sources import KINDS, ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.replicas import executed, pair
from tests.support.waiting import eventually

RANGES = ROWS // (20 * CHUNK_ROWS)
IN_A_BATCH = [
    WriteStep.BEFORE_TRANSACTION,
    WriteStep.AFTER_FIRST_WRITE,
    WriteStep.BEFORE_COMMIT,
    WriteStep.AFTER_COMMIT,
]
BOTH_FLAVOURS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)


def test_what_is_copied_beside_writers_by_workers_that_die_is_equal(
    held: Stream, budget: int
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)
    keys = moments.choice(KEYS)
    print(f"seed: {seed}, {keys}")
    fill(held, keys, moments)
    slow(held, ROWS // (2 * budget))

    with shuffled(held, keys, seed):
        held.start(ledger=False)
        for _ in range(2 * budget):
            until_ranges(held)
            time.sleep(moments.uniform(0, 0.3))  # when it dies is what the test varies
            if begins(held):
                break
            if moments.random() < 0.5:
                held.daemon.kill()
                held.start(ledger=False)
            else:
                held.daemon.until_logged("worker_started")
                with suppress(ProcessLookupError):  # it may just have copied all
                    os.kill(held.daemon.events("worker_started")[-1]["pid"], signal.SIGKILL)
        until_begun(held)
    held.until_caught_up()

    assert_same(held, keys)
    assert ranges(held) == []
    assert jobs(held, "done") == []  # no backfill was needed
    state = held.state_document()
    assert state is not None
    assert state["covered"] == [f"{held.schema}.things things"]
    verify = cdc(held, "verify")
    assert verify.returncode == 0, verify.stdout + verify.stderr


@BOTH_FLAVOURS
def test_several_workers_share_the_ranges(filled: Stream) -> None:
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    filled.until_caught_up()

    [done] = filled.daemon.events("copy_done")
    started = filled.daemon.events("range_started")
    assert done["rows"] == ROWS
    assert len(started) >= RANGES
    assert {each["range"].partition(" ")[2] for each in started} == {
        f"{filled.schema}.things/{number}" for number in range(RANGES)
    }
    assert len({each["worker"] for each in started}) == 2
    assert_same(filled)


@ONE_KIND
@pytest.mark.parametrize("point", IN_A_BATCH, ids=lambda point: point.value)
def test_a_worker_that_dies_at_any_point_of_a_chunk_costs_that_chunk(
    filled: Stream, point: WriteStep
) -> None:
    filled.environment = {WORKER_FAULT: f"{point.value}:90"}
    filled.start(ledger=False)
    until_begun(filled)
    filled.until_caught_up()

    assert "fault:" in filled.daemon.stderr
    assert filled.daemon.events("copy_done")[0]["rows"] == ROWS  # no chunk twice, none left out
    assert_same(filled)


@ONE_KIND
@pytest.mark.parametrize("point", IN_A_BATCH, ids=lambda point: point.value)
def test_a_daemon_that_dies_as_the_stream_begins_is_resumed_there(
    filled: Stream, point: WriteStep
) -> None:
    died = filled.start(fault=f"{point.value}:1", ledger=False)
    assert died.wait() == -9
    assert f"fault: {point.value}" in died.stderr
    before = filled.state["ranges"].count_documents({"state": "done"})
    filled.sql("DELETE FROM things WHERE id < 10", "INSERT INTO things VALUES (-1, 'x', 1, NULL)")
    filled.start(ledger=False)
    until_begun(filled)
    filled.until_caught_up()

    assert before == RANGES + 1  # the tail is done, too
    assert filled.daemon.events("range_started") == []
    assert_same(filled)


@BOTH_FLAVOURS
def test_a_worker_that_was_frozen_writes_nothing_of_a_stream_that_was_removed(
    filled: Stream,
) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    helper = Command(filled, "work")
    eventually(lambda: "range_started" in helper.stderr, waiting_for="another worker")
    filled.stop_copying()
    helper.send(signal.SIGSTOP)

    removed = cdc(filled, "stream", "remove", filled.name, "--documents", "--yes")
    helper.send(signal.SIGCONT)
    helper.send(signal.SIGTERM)

    assert removed.returncode == 0, removed.stderr
    assert helper.returncode == 0, helper.stderr
    assert filled.documents("things") == {}
    assert ranges(filled) == []
    filled.start(ledger=False)
    until_begun(filled)
    filled.until_caught_up()
    assert_same(filled)


@ONE_KIND
def test_workers_elsewhere_go_on_without_a_daemon_and_end_when_it_is_done(
    filled: Stream,
) -> None:
    slow(filled, 400)
    filled.configure()
    early = Command(filled, "work")  # before there is a stream
    eventually(lambda: "no_such_stream_yet" in early.stderr, waiting_for="the worker to say so")
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()

    eventually(lambda: not unfinished(filled), waiting_for="the worker to copy all")
    assert not early.ended
    refused = cdc(filled, "position", "set", "--start", "now", "--yes")
    assert refused.returncode == 2
    assert f"the stream {filled.name} has not begun" in refused.stderr
    filled.start(ledger=False)
    until_begun(filled)

    late = cdc(filled, "work")
    assert (early.returncode, late.returncode) == (0, 0), f"{early.stderr}\n{late.stderr}"
    for each in (early, late):
        told = json.loads(each.stderr.splitlines()[-1])
        assert told["event"] == "nothing_to_copy"
        assert told["why"] == "the stream has begun: what is left to copy, its daemon copies"
        assert told["remedy"].startswith("see whether there is any: cdc jobs list --config ")
    filled.until_caught_up()
    assert_same(filled)


def unfinished(stream: Stream) -> int:
    return stream.state["ranges"].count_documents({"state": {"$ne": "done"}})


@ONE_KIND
def test_a_range_that_fails_ends_the_daemon_by_its_error_and_is_tried_again(
    held: Stream,
) -> None:
    held.table("things", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)", {"on_error": "halt"})
    held.sql("INSERT INTO things SELECT seq, 'x' FROM (SELECT 1 AS seq UNION SELECT 2) AS two")
    held.mongo_refuses("things", {"word": {"$ne": "x"}})

    ended = held.start(ledger=False).wait()
    held.mongo_refuses("things", {})
    held.start(ledger=False)
    until_begun(held)

    assert ended == 4, held.daemons[0].stderr
    [stopped] = held.daemons[0].events("stopped")
    assert "the first copy has failed" in stopped["message"]
    assert "remedy:" not in stopped["remedy"]
    assert "; then start again; with edited mappings begin anew: cdc stream" in stopped["remedy"]
    held.until_caught_up()
    assert_same(held)


@ONE_KIND
def test_tables_that_workers_cannot_copy_are_copied_once_the_stream_has_begun(
    filled: Stream,
) -> None:
    unique = {"indexes": [{"keys": {"word": 1}, "unique": True}]}
    filled.table("words", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)", unique)
    filled.sql("INSERT INTO words VALUES (1, 'a'), (2, 'b')")

    filled.start(ledger=False)
    until_begun(filled)
    until_copied(filled)
    filled.until_caught_up()

    [told] = filled.daemon.events("copied_by_the_stream")
    assert told["table"] == f"{filled.schema}.words"
    assert "unique index" in told["why"]
    assert [each["table"] for each in jobs(filled, "done")] == [f"{filled.schema}.words"]
    assert_same(filled)


@ONE_KIND
@pytest.mark.parametrize(
    "edit",
    [
        lambda stream: stream.follow("things", {"exclude": ["name"]}),
        lambda stream: stream.follow("more", {"source": f"{stream.schema}.things"}),
    ],
    ids=["edited", "another"],
)
def test_mappings_that_are_edited_meanwhile_are_refused(
    filled: Stream, edit: Callable[[Stream], None]
) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()
    edit(filled)

    worker = cdc(filled, "work")
    daemon = filled.start(ledger=False)

    assert worker.returncode == 2
    assert "not those by which its first copy was begun" in worker.stderr
    assert daemon.wait() == 2
    [stopped] = daemon.events("stopped")
    assert "not those by which its first copy was begun" in stopped["message"]
    [remove] = commands(stopped["remedy"])
    assert typed(remove).returncode == 0
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    assert len(filled.documents("things")) == ROWS


@BOTH_FLAVOURS
def test_a_stream_that_has_begun_is_refused_a_source_without_what_was_copied(
    filled: Stream,
) -> None:
    filled.start(ledger=False)
    until_begun(filled)
    filled.stop()
    elsewhere = ahead_elsewhere(filled)
    filled.state["streams"].update_one({"_id": filled.name}, {"$set": {AHEAD: [elsewhere]}})

    refused = filled.start(ledger=False)
    assert refused.wait() == 4
    [stopped] = refused.events("stopped")
    assert "documents were copied from what the source does not have" in stopped["message"]
    assert cdc(filled, "check").returncode == 3
    [set_anew] = commands(stopped["remedy"])
    assert typed(set_anew).returncode == 0
    filled.start(ledger=False)
    until_copied(filled)

    assert_same(filled)
    assert AHEAD not in (filled.state_document() or {})


def ahead_elsewhere(stream: Stream) -> Document:
    """What a server saw that is none of the stream's, as its state stores it."""
    if stream.source.flavour == "mariadb":
        return {"mariadb_gtid": "0-4000000001-4000000001"}
    return {"gtid": "aaaaaaaa-1111-1111-1111-aaaaaaaaaaaa:1-7"}


@ONE_KIND
def test_status_tells_a_held_stream_s_tables_and_workers(filled: Stream) -> None:
    slow(filled, 300)
    filled.start(ledger=False)
    until_ranges(filled, 2)

    facts = json.loads(cdc(filled, "status", "--output", "json").stdout)
    lines = cdc(filled, "status").stdout
    [every] = json.loads(cdc(filled, "status", "--all", "--output", "json").stdout)

    assert facts["state"] == every["state"] == "copying"
    [table] = facts["copying"]["tables"]
    assert table["table"] == f"{filled.schema}.things"
    assert 0 < table["rows"] < ROWS
    assert not table["done"]
    assert all(each["rows_per_second"] > 0 for each in facts["copying"]["workers"])
    assert facts["lag_seconds"] > 0  # since it is held, though the source is idle
    assert f"copied {filled.schema}.things" in lines
    assert "worker" in lines


@ONE_KIND
def test_what_is_asked_for_meanwhile_waits_and_says_why(filled: Stream) -> None:
    slow(filled, 300)
    filled.start(ledger=False)
    until_ranges(filled)

    verify = Command(filled, "verify")
    eventually(lambda: "has not begun" in verify.stderr, waiting_for="verify to say why it waits")
    listed, shown = cdc(filled, "jobs", "list"), cdc(filled, "status")

    assert f"the stream {filled.name} has not begun: its tables are being copied" in verify.stderr
    assert "waits for the first copy" in listed.stdout
    assert "waits for the first copy" in shown.stdout
    filled.stop_copying()
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    assert verify.returncode == 0, verify.stderr


@ONE_KIND
@pytest.mark.parametrize(
    "command",
    ["verify", "resync --all", "backfill {}.things", "position skip", "position set --start now"],
)
def test_what_needs_a_stream_that_has_begun_is_refused_without_its_daemon(
    filled: Stream, command: str
) -> None:
    slow(filled, 300)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()

    refused = cdc(filled, *command.format(filled.schema).split())

    assert refused.returncode == 2, refused.stderr
    assert f"the stream {filled.name} has not begun: its tables are being copied" in refused.stderr
    assert "have that done: cdc run" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert filled.state["jobs"].count_documents({}) == 0


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_source_that_lost_what_was_copied_ends_the_daemon_by_name(
    flavour: Flavour,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> None:
    with pair(flavour) as servers:
        stream = make_stream(servers.primary, mongo, client, KINDS[f"{flavour}-gtid"][1])
        stream.settings["start"] = "backfill"
        stream.settings["chunks"] = {"rows": CHUNK_ROWS, "workers": 2}
        stream.named_hosts(servers.primary, servers.replica)
        fill(stream, INTEGER, random.Random(0))
        slow(stream, 200)
        servers.replicated()
        stream.start(ledger=False)
        until_ranges(stream)
        servers.detach()  # what follows is lost
        stream.sql(f"INSERT INTO things VALUES ({ROWS}, 'lost', 1, NOW(3))")
        lost = executed(servers.primary)
        eventually(lambda: has_seen(stream, lost), waiting_for="a worker to see what will be lost")
        servers.primary.kill()
        servers.promote()
        stream.source = servers.replica
        stream.sql(*[f"INSERT INTO things VALUES (-{n}, 'later', 1, NOW(3))" for n in range(1, 9)])

        eventually(lambda: waits(stream), waiting_for="the daemon to wait for the first host")
        stream.stop_copying()
        stream.named_hosts(servers.replica)
        assert stream.start(ledger=False).wait() == 4, stream.daemon.stderr
        [stopped] = stream.daemon.events("stopped")
        assert "documents were copied from what the source does not have" in stopped["message"]
        [remove] = commands(stopped["remedy"])
        assert typed(remove).returncode == 0
        slow(stream, ROWS)
        stream.start(ledger=False)
        until_begun(stream)
        eventually(lambda: len(stream.documents("things")) == ROWS + 8)
        assert_same(stream)
        stream.close()


def waits(stream: Stream) -> bool:
    """Whether it was told why the second host is no good, and goes on: the first may come back."""
    stream.daemon.check_alive(waiting_for="a refused host")
    refused = stream.daemon.events("source_host_refused")
    return any("documents were copied" in each["error"] for each in refused)


def has_seen(stream: Stream, gtids: str) -> bool:
    stream.daemon.check_alive(waiting_for="ranges")
    kind = "mariadb_gtid" if stream.source.flavour == "mariadb" else "gtid"
    return gtids in {str(each) for each in stream.state["ranges"].distinct(f"position.{kind}")}
