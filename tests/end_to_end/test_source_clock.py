"""The source's clock is set while it is read: the lag stays what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, mysql_server
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import MariadbGtids, MysqlGtids
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream
from tests.faults import clocks
from tests.faults.clocks import READ_AGAIN_SECONDS, Clock
from tests.support.unsynced import UNSYNCED
from tests.support.waiting import eventually

HISTORIES = {"mysql": MysqlGtids, "mariadb": MariadbGtids}
SETTINGS = (30, 0, 3_600, 0)
LEAST_SECONDS, MOST_SECONDS = 3, 25
"""The lag is looked at when it is so large; the smallest step of the clock is larger than both."""


def lag(daemon: Daemon) -> float:
    return metrics(daemon)["cdc_lag_seconds{apply}"]


def jump(stream: Stream, clock: Clock, seconds: int) -> None:
    [(before,)] = stream.source.execute("SELECT UNIX_TIMESTAMP()")
    clock.set(seconds)

    def is_set() -> bool:
        [(now,)] = stream.source.execute("SELECT UNIX_TIMESTAMP()")
        return bool(abs(now - before) > min(SETTINGS[0], 30) - 5)

    eventually(is_set, 20 * READ_AGAIN_SECONDS, waiting_for="the source's clock")


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_stream_that_lags_tells_by_how_much_whatever_the_source_s_clock_was_set_to(
    flavour: Flavour,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
    tmp_path: Path,
) -> None:
    if (library := clocks.library()) is None:
        pytest.skip("the package libfaketime cannot be had")
    clock = Clock(library, tmp_path / "clock")
    with (
        mysql_server(flavour, options=UNSYNCED, prefix=clock.prefix) as source,
        Proxy(mongo.port) as proxy,
    ):
        stream = make_stream(source, mongo, client, HISTORIES[flavour])
        stream.proxied_target(proxy.port)
        stream.settings["http"] = {"listen": "127.0.0.1:0"}
        stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
        daemon = stream.start()
        stream.sql("INSERT INTO items (word) VALUES ('before')")
        stream.until_caught_up()

        for setting in SETTINGS:
            jump(stream, clock, setting)
            stream.sql("INSERT INTO items (word) VALUES ('after')")
            stream.until_caught_up()
            eventually(lambda: lag(daemon) == 0, waiting_for="no lag")

            proxy.black_hole()
            stream.sql("INSERT INTO items (word) VALUES ('waits')")
            seen = eventually(lambda: lag(daemon) > LEAST_SECONDS and lag(daemon))
            proxy.heal()

            assert seen < MOST_SECONDS
            stream.until_caught_up()
        stream.settle()
        assert [round(each["seconds"] / 10) for each in daemon.events("source_clock_moved")] == [
            *(3, -3, 360, -360)
        ]

        jump(stream, clock, 3_600)
        stream.sql("INSERT INTO items (word) VALUES ('after')")
        stream.until_caught_up()
        stream.stop()
        stream.sql("INSERT INTO items (word) VALUES ('waits')")
        told = json.loads(cdc(stream, "status", "--output", "json").stdout)
        assert 0 < told["lag_seconds"] < 2 * MOST_SECONDS
        source.kill()  # it has nothing to save
