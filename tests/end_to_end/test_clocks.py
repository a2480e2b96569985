"""The target's clock jumps by an hour: no two daemons write, and none waits for that hour."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc_sandbox.servers import MySQLServer, mongo_server
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream
from tests.faults import clocks
from tests.faults.clocks import READ_AGAIN_SECONDS, Clock
from tests.support.waiting import eventually

TTL_SECONDS = 2
WITHIN_SECONDS = 40
"""The lease's time, the end of an open session, and a busy machine's slowness: not an hour."""
HOUR = 3_600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    library = clocks.library()
    if library is None:
        pytest.skip("the package libfaketime cannot be had")
    return Clock(library, tmp_path / "clock")


@pytest.fixture
def items(mysql: MySQLServer, make_stream: MakeStream, clock: Clock) -> Iterator[Stream]:
    with mongo_server(replica_set=True, prefix=clock.prefix) as mongo, mongo.client() as client:
        stream = make_stream(mysql, mongo, client, MysqlGtids)
        stream.settings["lease"] = {"ttl_seconds": TTL_SECONDS}
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        yield stream
        stream.close()
        mongo.kill()  # it has nothing to save


def active_and_standby(stream: Stream) -> tuple[Daemon, Daemon]:
    active = stream.start()
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.until_caught_up()
    standby = stream.start()
    standby.until_logged("standby")
    return active, standby


def jump(stream: Stream, clock: Clock, seconds: int) -> None:
    """Set the target's clock, and wait until it tells the time so."""
    clock.set(seconds)

    def is_set() -> bool:
        now = stream.client.admin.command("hello")["localTime"].timestamp()
        return bool(abs(now - time.time() - seconds) < HOUR / 2)

    eventually(is_set, 10 * READ_AGAIN_SECONDS, waiting_for="the target's clock")


def test_a_standby_does_not_wait_for_the_hour_by_which_the_clock_was_set_back(
    items: Stream, clock: Clock
) -> None:
    jump(items, clock, HOUR)
    active, standby = active_and_standby(items)
    active.send(signal.SIGSTOP)

    jump(items, clock, 0)
    items.sql("UPDATE items SET word = 'after'")
    standby.until_logged("streaming", timeout_seconds=WITHIN_SECONDS)

    items.settle()
    active.send(signal.SIGCONT)
    assert str(standby.pid) in active.until_logged("fenced")["by"]
    items.sql("DELETE FROM items")
    items.settle()


@pytest.mark.parametrize("seconds", [-HOUR, HOUR], ids=["back", "forward"])
def test_daemons_go_on_when_the_clock_jumps(items: Stream, clock: Clock, seconds: int) -> None:
    both = active_and_standby(items)

    for number, setting in enumerate((seconds, 0), 2):
        jump(items, clock, setting)
        items.sql(f"INSERT INTO items VALUES ({number}, 'jumped')")
        items.until_caught_up()

    items.settle()
    assert all(each.running for each in both)
