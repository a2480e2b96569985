"""A daemon that stands still in the middle of a transaction neither blocks nor undoes another's."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress

import pytest

from cdc.config import SourceConfig
from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.server.position_check import Displaced
from cdc.retry import Stopped
from tests.end_to_end.support.commit_trap import CommitTrap
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

TAKEN_OVER_WITHIN_SECONDS = 40
"""The open transaction would hold the state document for 60 s."""


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
@pytest.mark.parametrize("moment", ["open", "committing"])
def test_a_daemon_that_stood_still_is_fenced_when_it_goes_on(stream: Stream, moment: str) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, number INT NOT NULL")
    stream.sql("INSERT INTO items VALUES (1, 1)")
    stream.settings["lease"] = {"ttl_seconds": 2}
    with Proxy(stream.mongo.port, framed=True) as proxy:
        direct = stream.settings["target"]["uri"]
        stream.proxied_target(proxy.port)
        first = stream.start()
        stream.until_caught_up()
        trap = CommitTrap(proxy, hold=True, withhold=moment == "open")
        stream.sql("UPDATE items SET number = number + 1")
        eventually(trap.sprung.is_set)
        first.send(signal.SIGSTOP)

        stream.settings["target"]["uri"] = direct
        began = time.monotonic()
        second = stream.start()
        stream.sql("UPDATE items SET number = number + 10")
        stream.settle()
        assert time.monotonic() - began < TAKEN_OVER_WITHIN_SECONDS
        first.send(signal.SIGCONT)
        proxy.cut()

        assert str(second.pid) in first.until_logged("fenced")["by"]
        first.until_logged("standby")
        stream.sql("DELETE FROM items")
        stream.settle()


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_an_owner_that_is_displaced_at_the_source_by_an_earlier_one_goes_on(
    stream: Stream,
) -> None:
    """A daemon that stood still reads on before it knows that it is fenced: for a moment.

    The source ends the dump of the other one then: both have the identity of the stream.
    """
    stream.settings["source"]["server_id"] = 123456
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    stream.start()
    stream.until_streaming()
    stream.sql("INSERT INTO items VALUES (1)")
    stream.until_caught_up()
    config = SourceConfig.model_validate(stream.settings["source"])
    reader = BinlogReader(
        config, follows=lambda *_: False, transaction_bytes=1 << 24, stream=stream.name
    )
    earlier = threading.Thread(target=_read, args=(reader, resolve_start(config, "now")))

    earlier.start()
    eventually(lambda: stream.daemon.events("displaced") or stream.daemon.events("source_lost"))
    reader.stop()
    earlier.join()
    stream.sql("INSERT INTO items VALUES (2)")

    stream.settle()
    assert stream.daemon.running


def _read(reader: BinlogReader, start: Checkpoint) -> None:
    with suppress(Displaced, Stopped):
        for _ in reader.transactions(start):
            pass
