"""A commit whose answer never comes: the daemon finds out what became of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdc_sandbox.servers import MongoServer
from tests.end_to_end.support.commit_trap import CommitTrap
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-file"], indirect=True)

DRIVER_TRIES = 2
"""pymongo repeats a commit once by itself."""


@pytest.fixture
def proxy(mongo: MongoServer) -> Iterator[Proxy]:
    with Proxy(mongo.port, framed=True) as proxy:
        yield proxy


@pytest.fixture
def counters(stream: Stream, proxy: Proxy) -> Stream:
    stream.proxied_target(proxy.port)
    stream.table("counters", "id INT NOT NULL PRIMARY KEY, value INT NOT NULL")
    stream.start()
    stream.sql("INSERT INTO counters VALUES (1, 1), (2, 2)")
    stream.until_caught_up()
    return stream


def test_a_commit_that_landed_is_not_repeated(counters: Stream, proxy: Proxy) -> None:
    trap = CommitTrap(proxy, count=DRIVER_TRIES)

    counters.sql("UPDATE counters SET value = value + 10", "DELETE FROM counters WHERE id = 2")

    counters.daemon.until_logged("commit_had_landed")
    counters.settle()
    assert trap.caught == DRIVER_TRIES


def test_a_commit_that_was_lost_is_repeated(counters: Stream, proxy: Proxy) -> None:
    trap = CommitTrap(proxy, count=DRIVER_TRIES, cut_before=True)

    counters.sql("UPDATE counters SET value = value + 10", "DELETE FROM counters WHERE id = 2")

    counters.settle()
    assert trap.caught == DRIVER_TRIES
    assert not counters.daemon.events("commit_had_landed")


def test_a_commit_whose_answer_the_driver_gets_at_its_second_try_is_not_repeated(
    counters: Stream, proxy: Proxy
) -> None:
    trap = CommitTrap(proxy)

    counters.sql("UPDATE counters SET value = value + 10", "DELETE FROM counters WHERE id = 2")

    counters.settle()
    assert trap.caught == 1


def test_a_daemon_killed_while_it_waits_for_the_answer_repeats_nothing(
    counters: Stream, proxy: Proxy
) -> None:
    trap = CommitTrap(proxy, hold=True)
    counters.sql("UPDATE counters SET value = value + 10")
    eventually(trap.sprung.is_set)

    counters.daemon.kill()
    counters.start()

    counters.settle()
