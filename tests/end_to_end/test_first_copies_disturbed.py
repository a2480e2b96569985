"""First copies whose tables change, or that somebody helps with who is set up otherwise."""

from __future__ import annotations

import random
import socket
import subprocess

import pytest
from pymongo import MongoClient

from cdc.commands.run import worker_command
from cdc_sandbox.servers import MongoServer, mysql_server
from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.first_copies import (
    CHUNK_ROWS,
    COPIED_WITHIN_SECONDS,
    slow,
    until_begun,
    until_ranges,
)
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.keys import INTEGER
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.shuffling import ROWS, assert_same, fill
from tests.end_to_end.support.sources import ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.binlogs import purge
from tests.support.unsynced import UNSYNCED
from tests.support.waiting import eventually


def copying(stream: Stream) -> Document | None:
    state = stream.state_document()
    return state.get("copying") if state else None


def workers(stream: Stream) -> set[int]:
    """The processes that have copied."""
    return {each["worker"] for each in stream.daemon.events("range_started")}


def until_all_work(stream: Stream) -> None:
    """Wait for the daemon's workers to have read the configuration: later it may be edited."""
    eventually(
        lambda: len(workers(stream)) == 2,
        COPIED_WITHIN_SECONDS,
        waiting_for="both workers to copy",
    )


@ONE_KIND
@pytest.mark.parametrize(
    "change", ["DROP TABLE others", "ALTER TABLE others DROP PRIMARY KEY"], ids=["gone", "keyless"]
)
def test_a_table_that_nobody_can_cut_any_more_is_set_aside(filled: Stream, change: str) -> None:
    filled.table("others", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    filled.sql("INSERT INTO others VALUES (1, 'a')")

    filled.start(ledger=False)
    eventually(lambda: copying(filled), waiting_for="the stream to be held")
    filled.sql(change)  # workers are a second of imports away
    eventually(
        lambda: filled.daemon.events("table_set_aside") or filled.daemon.events("copy_done"),
        waiting_for="the table to be set aside",
    )
    until_begun(filled)

    [told] = filled.daemon.events("table_set_aside")
    assert told["table"] == f"{filled.schema}.others"
    assert filled.daemon.events("worker_ended") == []
    filled.tables.remove("others")
    assert_same(filled)


@ONE_KIND
def test_a_worker_of_a_daemon_that_fails_ends_with_the_code_of_its_error(filled: Stream) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()
    filled.follow("things", {"exclude": ["name"]})

    command = worker_command(filled.config)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stderr is not None
        told = worker.stderr.read().decode()

    assert worker.returncode == 2, told
    assert "not those by which its first copy was begun" in told


@ONE_KIND
def test_a_copy_into_another_database_is_refused_as_it_goes_on(filled: Stream) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()
    right = filled.settings["target"]
    filled.settings["target"] = {**right, "database": f"{right['database']}_elsewhere"}
    filled.configure()

    worker = cdc(filled, "work")
    daemon = filled.start(ledger=False)

    assert worker.returncode == 2, worker.stderr
    assert f"the first copy goes to {right['database']}" in worker.stderr
    assert daemon.wait() == 2
    assert f"write target.database: {right['database']}" in daemon.stderr
    assert f"{right['database']}_elsewhere" not in filled.client.list_database_names()
    filled.settings["target"] = right
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    assert_same(filled)


@ONE_KIND
@pytest.mark.parametrize("is_tail", [True, False], ids=["tail", "ranges"])
def test_a_copy_whose_ranges_are_gone_ends_by_name(filled: Stream, *, is_tail: bool) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)

    filled.state["ranges"].delete_many({"is_tail": {"$exists": is_tail}})

    assert filled.daemon.wait() == 4
    [stopped] = filled.daemon.events("stopped")
    assert "its ranges are missing in the state database" in stopped["message"]
    [remove] = commands(stopped["remedy"])
    assert typed(remove).returncode == 0
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    assert_same(filled)


@ONE_KIND
def test_a_helper_that_may_not_read_is_refused_and_harms_no_table(filled: Stream) -> None:
    slow(filled, 100)
    filled.start(ledger=False)
    until_all_work(filled)
    user = f"u{filled.schema[-12:]}"
    filled.sql(
        f"CREATE USER {user} IDENTIFIED BY 'secret'",
        f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {user}",
        f"GRANT SELECT (id) ON {filled.schema}.things TO {user}",
    )
    source = filled.settings["source"]
    filled.settings["source"] = {**source, "user": user, "password": "secret"}
    filled.configure()

    helper = cdc(filled, "work")
    filled.settings["source"] = source
    filled.configure()
    until_begun(filled)

    assert helper.returncode == 3, helper.stderr
    assert f"{filled.schema}.things" in helper.stderr
    assert filled.daemon.events("table_set_aside") == []
    assert_same(filled)


@ONE_KIND
def test_a_range_is_given_back_by_a_worker_that_lost_the_source(filled: Stream) -> None:
    slow(filled, 100)
    filled.start(ledger=False)
    until_all_work(filled)
    with Proxy(filled.source.port) as proxy, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        filled.proxied_source(proxy.port)
        filled.configure()
        helper = Command(filled, "work")
        eventually(lambda: "range_started" in helper.stderr, waiting_for="another worker")
        filled.proxied_source(filled.source.port)
        filled.configure()
        proxy.point_to(nobody.getsockname()[1])

        until_begun(filled)

        assert "range_read_retry" in helper.stderr
        assert helper.returncode == 0, helper.stderr
    filled.until_caught_up()
    assert_same(filled)


def test_a_held_stream_whose_binlogs_are_purged_is_begun_anew_as_told(
    mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> None:
    with mysql_server(options=UNSYNCED) as source:
        stream = make_stream(source, mongo, client, MysqlGtids)
        stream.settings["start"] = "backfill"
        stream.settings["chunks"] = {"rows": CHUNK_ROWS, "workers": 2}
        fill(stream, INTEGER, random.Random(0))
        slow(stream, 100)
        stream.start(ledger=False)
        until_ranges(stream)
        stream.sql("INSERT INTO things VALUES (-1, 'never read', 1, NOW(3))")
        purge(source)

        assert stream.daemon.wait() == 4
        [stopped] = stream.daemon.events("stopped")
        checked = cdc(stream, "check")
        [remove] = commands(stopped["remedy"])
        assert checked.returncode == 3
        assert remove in checked.stdout
        assert typed(remove).returncode == 0
        slow(stream, ROWS)
        stream.start(ledger=False)
        until_begun(stream)
        stream.until_caught_up()
        assert_same(stream)
        stream.close()
