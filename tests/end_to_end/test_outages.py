"""Either side goes away, in every way, and comes back: the daemon waits and goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from cdc.writers.connection import SELECTION_MILLISECONDS
from cdc_sandbox.servers import MongoServer, MySQLServer, mongo_server, mysql_server
from tests.end_to_end.support.history import BinlogFiles, History, MariadbGtids, MysqlGtids
from tests.end_to_end.support.proxy import Link, Proxy
from tests.end_to_end.support.sources import ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually

SILENCE_SECONDS = 1.5
"""Three heartbeat intervals of the streams' configuration."""
TRIED_AGAIN_SECONDS = SELECTION_MILLISECONDS / 1000
"""For how long the driver itself retries what is cut outside a transaction, as a look at jobs."""
MACHINE_IS_BUSY_SECONDS = 20
"""A silence that nobody notices lasts for ever."""


def followed(stream: Stream) -> Stream:
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(100)")
    return stream


@pytest.fixture(params=["mysql-gtid", "mysql-file", "mariadb-gtid", "mariadb-file"])
def own_source(
    request: pytest.FixtureRequest,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> Iterator[Stream]:
    """A stream from a source that the test may stop."""
    flavour, _, kind = request.param.partition("-")
    without = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    history: type[History] = BinlogFiles
    if kind == "gtid":
        history = MysqlGtids if flavour == "mysql" else MariadbGtids
    options = without if request.param == "mysql-file" else []
    with mysql_server(flavour, options=options) as source:
        stream = followed(make_stream(source, mongo, client, history))
        yield stream
        stream.close()


@pytest.fixture
def own_target(mysql: MySQLServer, make_stream: MakeStream) -> Iterator[Stream]:
    """A stream to a target that the test may stop."""
    with mongo_server() as mongo, mongo.client() as client:
        stream = followed(make_stream(mysql, mongo, client, MysqlGtids))
        yield stream
        stream.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_source_may_restart(own_source: Stream, end: str) -> None:
    own_source.start()
    own_source.sql("INSERT INTO items (word) VALUES ('before'), ('before too')")
    own_source.until_caught_up()

    getattr(own_source.source, end)()
    own_source.daemon.until_logged("source_lost")
    own_source.source.start()
    own_source.sql("UPDATE items SET word = 'after'", "INSERT INTO items (word) VALUES ('new')")

    own_source.settle()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_target_may_restart(own_target: Stream, end: str) -> None:
    own_target.start()
    own_target.sql("INSERT INTO items (word) VALUES ('before'), ('before too')")
    own_target.until_caught_up()

    getattr(own_target.mongo, end)()
    own_target.sql("UPDATE items SET word = 'after'", "INSERT INTO items (word) VALUES ('new')")
    own_target.daemon.until_logged("target_retry")
    own_target.mongo.start()

    own_target.settle()


def test_the_target_may_step_down_again_and_again(own_target: Stream) -> None:
    own_target.settings["apply"] = {"batch_rows": 1}
    own_target.start()
    own_target.sql("INSERT INTO items (word) VALUES ('before')")
    own_target.until_caught_up()

    for _ in range(3):
        own_target.sql(*["UPDATE items SET word = CONCAT(word, '+')"] * 5)
        own_target.client.admin.command({"replSetStepDown": 1, "force": True})
        own_target.sql("INSERT INTO items (word) VALUES ('new')")
        own_target.mongo.until_ready()

    own_target.settle()


def test_the_daemon_starts_before_the_target(own_target: Stream) -> None:
    own_target.sql("INSERT INTO items (word) VALUES ('early')")
    own_target.mongo.stop()

    own_target.start()
    own_target.daemon.until_logged("start_retry")
    own_target.mongo.start()

    own_target.settle()


@pytest.mark.parametrize("own_source", ["mysql-gtid"], indirect=True)
def test_the_daemon_starts_before_the_source(own_source: Stream) -> None:
    own_source.sql("INSERT INTO items (word) VALUES ('early')")
    own_source.settings["start"] = "now"
    own_source.source.stop()

    own_source.start(ledger=False)
    own_source.daemon.until_logged("start_retry")
    own_source.source.start()
    own_source.until_streaming()
    own_source.sql("UPDATE items SET word = 'late'")

    own_source.until_caught_up()
    own_source.assert_same_content()


@pytest.mark.parametrize("own_source", ["mysql-gtid"], indirect=True)
def test_the_daemon_ends_at_once_while_the_source_is_away(own_source: Stream) -> None:
    own_source.start()
    own_source.until_streaming()
    own_source.source.stop()
    own_source.daemon.until_logged("source_lost")

    own_source.stop()


def test_the_daemon_ends_soon_while_the_target_is_away(own_target: Stream) -> None:
    own_target.start()
    own_target.until_streaming()
    own_target.mongo.stop()
    own_target.sql("INSERT INTO items (word) VALUES ('unheard')")
    own_target.daemon.until_logged("target_retry")

    own_target.stop()
    own_target.mongo.start()
    own_target.start()

    own_target.settle()


def test_the_binlog_may_rotate_while_the_daemon_runs_and_while_it_is_down(
    stream: Stream,
) -> None:
    followed(stream).start()
    stream.sql("INSERT INTO items (word) VALUES ('one')", "FLUSH BINARY LOGS")
    stream.sql("FLUSH BINARY LOGS", "INSERT INTO items (word) VALUES ('two')")
    stream.until_caught_up()

    stream.stop()
    stream.sql("INSERT INTO items (word) VALUES ('three')", "FLUSH BINARY LOGS")
    stream.sql("FLUSH BINARY LOGS", "UPDATE items SET word = 'four'")
    stream.start()

    stream.settle()


@ONE_KIND
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_side_that_falls_silent_is_noticed_and_tried_again_soon(
    stream: Stream, side: str
) -> None:
    port, proxied, event = {
        "source": (stream.source.port, stream.proxied_source, "source_lost"),
        "target": (stream.mongo.port, stream.proxied_target, "target_retry"),
    }[side]
    with Proxy(port) as proxy:
        proxied(proxy.port)
        followed(stream).start()
        stream.sql("INSERT INTO items (word) VALUES ('heard')")
        stream.until_caught_up()

        proxy.black_hole()
        began = time.monotonic()
        stream.sql("UPDATE items SET word = 'unheard'")
        stream.daemon.until_logged(event)
        noticed = time.monotonic() - began
        proxy.heal()

        stream.settle()
        tried_again = TRIED_AGAIN_SECONDS if side == "target" else 0
        assert noticed < SILENCE_SECONDS + tried_again + MACHINE_IS_BUSY_SECONDS
        stream.stop()


@ONE_KIND
def test_a_link_that_held_for_a_heartbeat_is_tried_again_soon(stream: Stream) -> None:
    pieces = 0

    def counted(data: bytes, _: Link) -> bytes:
        nonlocal pieces
        pieces += 1
        return data

    with Proxy(stream.source.port) as proxy:
        stream.proxied_source(proxy.port)
        followed(stream).start()
        proxy.replies = counted
        for lost in range(3):
            stream.daemon.until_logged("source_connected", lost + 1)
            heard = pieces + 4  # the dump's beginning, and then heartbeats
            eventually(lambda: pieces >= heard)  # noqa: B023 - it ends within the turn
            proxy.cut()
        stream.daemon.until_logged("source_connected", 4)

        waits = [each["retry_in_seconds"] for each in stream.daemon.events("source_lost")]
        assert max(waits) <= 0.2
        stream.stop()


def test_a_target_whose_disk_is_full_is_waited_for(
    mysql: MySQLServer, make_stream: MakeStream
) -> None:
    """About 5 seconds. The server answers as if it were: 14031, OutOfDiskSpace."""
    fail = {"configureFailPoint": "failCommand"}
    full = {"failCommands": ["insert", "update"], "errorCode": 14031, "appName": "cdc"}
    with (
        mongo_server(options=["--setParameter=enableTestCommands=1"]) as mongo,
        mongo.client() as client,
    ):
        stream = followed(make_stream(mysql, mongo, client, MysqlGtids))
        stream.start()
        stream.sql("INSERT INTO items (word) VALUES ('before')")
        stream.until_caught_up()
        client.admin.command({**fail, "mode": "alwaysOn", "data": full})
        stream.sql("INSERT INTO items (word) VALUES ('no room')")
        said = stream.daemon.until_logged("target_retry", 2)

        client.admin.command({**fail, "mode": "off"})

        assert "retry_in_seconds" in said
        stream.settle()
        stream.stop()
        client.admin.command({**fail, "mode": "alwaysOn", "data": full})
        stream.start().until_logged("start_retry")
        client.admin.command({**fail, "mode": "off"})
        stream.sql("INSERT INTO items (word) VALUES ('room again')")
        stream.settle()
        stream.close()


LOST = {"CursorNotFound": 43, "QueryPlanKilled": 175, "CursorKilled": 237}


@pytest.mark.parametrize("code", LOST.values(), ids=LOST.keys())
def test_a_cursor_that_is_lost_is_opened_again(
    mysql: MySQLServer, make_stream: MakeStream, code: int
) -> None:
    """As after killAllSessions, or on a new primary; all else that the target does goes well."""
    fail = {"configureFailPoint": "failCommand"}
    lost = {"failCommands": ["getMore"], "errorCode": code, "appName": "cdc"}
    with (
        mongo_server(options=["--setParameter=enableTestCommands=1"]) as mongo,
        mongo.client() as client,
    ):
        stream = followed(make_stream(mysql, mongo, client, MysqlGtids))
        stream.sql(*["INSERT INTO items (word) VALUES ('one')"] * 2)
        stream.sql(*["INSERT INTO items (word) SELECT word FROM items"] * 11)
        stream.settings["start"] = "backfill"
        stream.start().until_logged("job_done")
        client.admin.command({**fail, "mode": {"times": 2}, "data": lost})

        stream.sql("TRUNCATE items", "INSERT INTO items (word) VALUES ('new')")

        stream.daemon.until_logged("target_retry", 2)
        stream.until_caught_up()
        stream.assert_same_content()
        stream.close()
