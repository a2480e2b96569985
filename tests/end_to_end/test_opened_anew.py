"""Connections that were opened while a member of the target was neither primary nor secondary.

The driver asks a member for sessions once a connection. In the instant between its election and its
first write a member says that it has none.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdc_sandbox.servers import MongoServer
from tests.end_to_end.support.proxy import Link, Proxy, unchanged
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream

SESSIONS = b"logicalSessionTimeoutMinutes\0"
NAMED_OTHERWISE = b"logicalSessionTimeoutMinuteX\0"


def without_sessions(data: bytes, _: Link) -> bytes:
    return data.replace(SESSIONS, NAMED_OTHERWISE)


@pytest.fixture
def proxy(mongo: MongoServer) -> Iterator[Proxy]:
    with Proxy(mongo.port, framed=True) as proxy:
        yield proxy


@ONE_KIND
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_daemon_opens_the_target_anew_and_goes_on(
    stream: Stream, proxy: Proxy, lanes: int
) -> None:
    stream.settings["apply"] = {"lanes": lanes, "batch_rows": 10}
    stream.proxied_target(proxy.port)
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    daemon = stream.start()
    stream.until_caught_up()

    proxy.replies = without_sessions
    proxy.cut()
    stream.sql(*(f"INSERT INTO items VALUES ({each})" for each in range(100)))
    daemon.until_logged("target_opened_anew")
    proxy.replies = unchanged

    stream.settle()
    assert daemon.stop() == 0
