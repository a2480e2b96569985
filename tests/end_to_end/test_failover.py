"""The source moves to another server that has the same transactions under the same GTIDs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer, mysql_server
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.dialect import stop_replica
from tests.support.replicas import executed, follow
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Pair:
    """A stream from `old` through a name that can be made to mean `new`, its replica."""

    stream: Stream
    old: MySQLServer
    new: MySQLServer
    name: Proxy

    def promote(self) -> None:
        """Kill the old source; the new one takes its place once it has all that was committed."""
        eventually(lambda: executed(self.new) == executed(self.old))
        self.old.kill()
        self.new.execute(stop_replica(self.new))
        self.stream.source = self.new
        self.name.point_to(self.new.port)


@pytest.fixture(params=["mysql", "mariadb"])
def pair(
    request: pytest.FixtureRequest,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> Iterator[Pair]:
    flavour: Flavour = request.param
    options = ["--log-slave-updates"] if flavour == "mariadb" else []
    with ExitStack() as stack:
        old, new = (stack.enter_context(mysql_server(flavour, options=options)) for _ in range(2))
        name = stack.enter_context(Proxy(old.port))
        follow(old, new)
        stream = make_stream(old, mongo, client, KINDS[f"{flavour}-gtid"][1])
        stream.proxied_source(name.port)
        stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
        # MariaDB dates by the second: what is in a log as young as its file proves nothing.
        made_at = int(time.time())
        eventually(lambda: int(time.time()) > made_at)
        yield Pair(stream, old, new, name)
        stream.close()
        new.kill()


def test_the_stream_goes_on_from_a_replica_while_it_runs_and_while_it_is_down(pair: Pair) -> None:
    """About 15 seconds. The ledger tells that nothing is lost and nothing applied twice."""
    stream = pair.stream
    stream.start()
    stream.sql(*[f"INSERT INTO items (word) VALUES ('{number}')" for number in range(20)])
    stream.until_caught_up()
    stream.stop()
    stream.sql("UPDATE items SET word = 'while it is down'")
    committed = stream.history.committed()
    pair.promote()

    stream.start()
    stream.sql(
        "INSERT INTO items (word) VALUES ('on the new one')", "DELETE FROM items WHERE id = 3"
    )

    def arrived() -> bool:
        return stream.documents("items") == stream.rows("items")

    eventually(arrived, waiting_for="the rows of the new source")
    ledger = stream.ledger()
    assert len(ledger) == len(set(ledger)) == len(committed) + 2
    assert committed <= set(ledger)
    assert not stream.daemon.events("history_not_proved")


def test_a_server_that_was_rebuilt_under_the_old_identity_is_known_by_its_history(
    pair: Pair,
) -> None:
    """Its log has other files, and the same transactions."""
    stream = pair.stream
    stream.start()
    stream.sql(*[f"INSERT INTO items (word) VALUES ('{number}')" for number in range(20)])
    stream.until_caught_up()
    stream.stop()
    identity = _identity(pair.old)
    pair.promote()
    _take_identity(pair.new, identity)

    stream.start()
    stream.sql("INSERT INTO items (word) VALUES ('on the new one')")

    eventually(lambda: stream.documents("items") == stream.rows("items"))
    assert not stream.daemon.events("history_not_proved")


def _identity(server: MySQLServer) -> str:
    name = "server_id" if server.flavour == "mariadb" else "server_uuid"
    return str(server.execute(f"SELECT @@GLOBAL.{name}")[0][0])


def _take_identity(server: MySQLServer, identity: str) -> None:
    if server.flavour == "mariadb":
        server.execute(f"SET GLOBAL server_id = {identity}")
        return
    [(data,)] = server.execute("SELECT @@GLOBAL.datadir")
    server.stop()
    Path(str(data), "auto.cnf").write_text(f"[auto]\nserver-uuid={identity}\n")
    server.start()


@pytest.mark.parametrize("pair", ["mysql"], indirect=True)
def test_a_daemon_that_runs_follows_the_name_to_the_new_source(pair: Pair) -> None:
    """About 6 seconds."""
    stream = pair.stream
    stream.start()
    stream.sql("INSERT INTO items (word) VALUES ('before')")
    stream.until_caught_up()
    pair.promote()
    stream.daemon.until_logged("source_lost")
    stream.sql("INSERT INTO items (word) VALUES ('after')")
    eventually(lambda: stream.documents("items") == stream.rows("items"))
    assert len(stream.ledger()) == len(set(stream.ledger()))
