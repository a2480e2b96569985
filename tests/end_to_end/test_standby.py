"""One daemon of a name is active; the others stand by, and one of them goes on when it ends."""

from __future__ import annotations

import signal
import time

import pytest
from pymongo import MongoClient

from cdc.model import lease
from cdc.writers.stream_state import StreamState
from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.end_to_end.support.commit_trap import COMMIT
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.proxy import Link, Proxy
from tests.end_to_end.support.sources import ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually

TTL_SECONDS = 2
WITHIN_SECONDS = 30
"""The lease's time, the standby's interval, and a busy machine's slowness."""
RETRIES_BEYOND_THE_LEASE = 8
"""With waits that double from 0.1 s on, and no longer than a third of the lease's time."""


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.settings["lease"] = {"ttl_seconds": TTL_SECONDS}
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    return stream


def active_and_standby(stream: Stream) -> tuple[Daemon, Daemon]:
    active = stream.start()
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.until_caught_up()
    standby = stream.start()
    assert str(active.pid) in standby.until_logged("standby")["active"]
    return active, standby


def until_taken_over(standby: Daemon, *, within_seconds: float = WITHIN_SECONDS) -> None:
    began = time.monotonic()
    standby.until_logged("streaming")
    assert time.monotonic() - began < within_seconds


def owner(stream: Stream) -> int:
    state = stream.state_document() or {}
    return int(state["owner"]["pid"])


def test_a_standby_takes_over_when_the_active_daemon_is_killed(items: Stream) -> None:
    active, standby = active_and_standby(items)

    active.kill()
    items.sql("UPDATE items SET word = 'after'")

    until_taken_over(standby)
    items.settle()
    assert owner(items) == standby.pid


@ONE_KIND
def test_a_standby_takes_over_when_the_active_daemon_is_stopped(items: Stream) -> None:
    items.settings["lease"] = {"ttl_seconds": 600}  # the lease is given back, not left to expire
    active, standby = active_and_standby(items)

    assert active.stop() == 0
    items.sql("UPDATE items SET word = 'after'")

    until_taken_over(standby)
    items.settle()


@ONE_KIND
def test_a_daemon_restarts_at_once_after_it_was_killed(items: Stream) -> None:
    items.settings["lease"] = {"ttl_seconds": 600}  # the dead process is seen, on the same machine
    items.start()
    items.until_streaming()
    items.daemon.kill()

    until_taken_over(items.start())


@ONE_KIND
def test_an_idle_active_daemon_keeps_its_lease(items: Stream) -> None:
    active, standby = active_and_standby(items)
    before = items.state_document()
    assert before is not None

    def renewed_often() -> bool:
        now = items.state_document() or {}
        return bool((now["lease_until"] - before["lease_until"]).total_seconds() > 2 * TTL_SECONDS)

    eventually(renewed_often)
    assert owner(items) == active.pid
    assert not standby.events("streaming")


@ONE_KIND
def test_a_daemon_that_stood_still_becomes_the_standby_and_the_active_one_again(
    items: Stream,
) -> None:
    first, second = active_and_standby(items)
    first.send(signal.SIGSTOP)
    until_taken_over(second)
    items.sql("UPDATE items SET word = 'by the second'")
    items.settle()

    first.send(signal.SIGCONT)
    assert str(second.pid) in first.until_logged("fenced")["by"]
    assert str(second.pid) in first.until_logged("standby")["active"]
    second.kill()
    items.sql("UPDATE items SET word = 'by the first'")

    first.until_logged("streaming", count=2)
    items.daemons.append(first)  # the latest that runs
    items.settle()
    assert owner(items) == first.pid


@ONE_KIND
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_daemon_that_is_cut_off_and_back_is_fenced(items: Stream, busy: bool) -> None:
    direct = items.settings["target"]["uri"]
    with Proxy(items.mongo.port) as proxy:
        items.proxied_target(proxy.port)
        first = items.start()
        items.sql("INSERT INTO items VALUES (1, 'before')")
        items.until_caught_up()
        items.settings["target"]["uri"] = direct
        second = items.start()
        second.until_logged("standby")

        proxy.black_hole()
        if busy:
            items.sql("UPDATE items SET word = 'unseen by the first'")
        until_taken_over(second)
        items.sql("INSERT INTO items VALUES (2, 'by the second')")
        items.settle()
        proxy.heal()

        assert str(second.pid) in first.until_logged("fenced")["by"]
        first.until_logged("standby")
        items.sql("DELETE FROM items")
        items.settle()
        assert owner(items) == second.pid


@ONE_KIND
def test_a_batch_that_outlasts_the_lease_is_not_taken_for_a_dead_daemon(items: Stream) -> None:
    direct = items.settings["target"]["uri"]
    items.settings["lease"] = {"ttl_seconds": 2}
    with Proxy(items.mongo.port, framed=True) as proxy:
        items.proxied_target(proxy.port)
        active = items.start()
        items.until_streaming()
        items.settings["target"]["uri"] = direct
        standby = items.start()
        standby.until_logged("standby")

        proxy.requests = _slow_commits
        items.sql("INSERT INTO items VALUES (1, 'slow')")
        items.settle()
        items.sql("INSERT INTO items VALUES (2, 'slow')")
        items.settle()

    assert owner(items) == active.pid
    assert not standby.events("streaming")


@ONE_KIND
def test_a_batch_that_is_refused_for_a_while_is_not_taken_for_a_dead_daemon(items: Stream) -> None:
    """About 10 seconds: somebody else's transaction holds the document."""
    active, standby = active_and_standby(items)

    with items.client.start_session() as session, session.start_transaction():
        items.database["items"].update_one({"_id": 1}, {"$set": {"word": "held"}}, session=session)
        items.sql("UPDATE items SET word = 'after'")
        active.until_logged("target_retry", RETRIES_BEYOND_THE_LEASE)
        assert saved_holder(items) == active.pid
        session.abort_transaction()

    items.settle()
    assert not active.events("fenced")
    assert not standby.events("streaming")


@ONE_KIND
def test_many_refused_documents_do_not_outlast_the_lease(items: Stream) -> None:
    """About 10 seconds: an attempt is shorter than a renewal's interval, all are longer than it."""
    direct = items.settings["target"]["uri"]
    items.database.create_collection("items", validator={"word": {"$ne": "bad"}})
    with Proxy(items.mongo.port, framed=True) as proxy:
        items.proxied_target(proxy.port)
        active = items.start()
        items.until_streaming()
        items.settings["target"]["uri"] = direct
        standby = items.start()
        standby.until_logged("standby")

        proxy.requests = _slow_inserts
        rows = ", ".join(f"({key}, 'bad')" for key in range(10))
        items.sql(f"INSERT INTO items VALUES {rows}")
        items.until_caught_up()

    assert owner(items) == active.pid
    assert not standby.events("streaming")
    assert items.state["dead_letters"].count_documents({"state": "open"}) == 10


def _slow_inserts(data: bytes, _: Link) -> bytes:
    if b"insert\0\x06\0\0\0items\0" in data:
        time.sleep(0.4)
    return data


def saved_holder(stream: Stream) -> int | None:
    found = lease.holder(StreamState(stream.state, stream.name).read_with_clock() or {})
    return found.pid if found else None


def _slow_commits(data: bytes, _: Link) -> bytes:
    if COMMIT in data:
        time.sleep(4)
    return data


@ONE_KIND
def test_of_three_daemons_that_start_at_once_one_is_active(items: Stream) -> None:
    daemons = [items.start() for _ in range(3)]
    items.sql("INSERT INTO items VALUES (1, 'one')")

    eventually(lambda: sum(bool(each.events("standby")) for each in daemons) == 2)
    items.settle()
    [active] = [each for each in daemons if each.events("streaming")]
    assert owner(items) == active.pid


@ONE_KIND
def test_the_standbys_of_a_daemon_that_ends_for_a_human_end_with_it(items: Stream) -> None:
    active, standby = active_and_standby(items)

    items.sql("SET SESSION binlog_format = STATEMENT", "UPDATE items SET word = 'unseen'")

    assert active.wait() == 4
    assert standby.wait() == 4


def test_one_daemon_is_active_without_transactions_too(
    mysql: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> None:
    stream = make_stream(mysql, mongo, client, MysqlGtids)
    stream.settings |= {
        "apply": {"mode": "at_least_once", "batch_rows": 1},
        "lease": {"ttl_seconds": TTL_SECONDS},
    }
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    first, second = active_and_standby(stream)

    first.send(signal.SIGSTOP)
    until_taken_over(second)
    stream.sql("UPDATE items SET word = 'by the second'")
    stream.until_caught_up()
    first.send(signal.SIGCONT)

    first.until_logged("fenced")
    stream.sql("INSERT INTO items VALUES (2, 'by the second')")
    stream.until_caught_up()
    stream.assert_same_content()
    assert owner(stream) == second.pid
