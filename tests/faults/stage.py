"""The servers of a campaign, the links between them, and the stream."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer, mongo_server, mysql_server
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import KINDS
from tests.end_to_end.support.stream import Stream
from tests.faults import workload
from tests.support.replicas import pair
from tests.support.three_members import ThreeMembers, three_members
from tests.support.unsynced import UNSYNCED

SCHEMA: Final = "campaign"
LEASE_SECONDS: Final = 2.0
REPLICATED: Final = "-replica"
SOURCES: Final = (*KINDS, *(f"{flavour}{REPLICATED}" for flavour in ("mysql", "mariadb")))
"""Those of `tests.end_to_end.support.sources`, and a primary with a replica, by GTIDs."""
WITHOUT_GTIDS: Final = ("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")


@dataclass(frozen=True)
class Stage:
    """All that a fault can be done to."""

    stream: Stream
    source: MySQLServer
    source_proxy: Proxy
    target_proxy: Proxy
    """In front of a target of one member; three are reached by their own addresses."""
    client: MongoClient[dict[str, Any]]
    """Goes around the proxy."""
    one: MongoServer | None
    three: ThreeMembers | None
    replica: MySQLServer | None
    """A replica of the source, to which the stream may move, and back."""

    @property
    def followed(self) -> MySQLServer:
        """The server that the stream's address means."""
        is_replica = self.replica and self.source_proxy.server_port == self.replica.port
        return self.replica if self.replica and is_replica else self.source

    def move_source(self) -> None:
        """Have the stream's address mean the other one of source and replica."""
        assert self.replica is not None
        other = self.replica if self.followed is self.source else self.source
        self.source_proxy.point_to(other.port)

    def restart_target(self) -> None:
        """Restart the one member."""
        assert self.one is not None
        self.one.restart()

    def kill_source(self) -> None:
        """Kill the source, and start it again."""
        _killed_and_back(self.source)

    def kill_target(self) -> None:
        """Kill the one member, and start it again."""
        assert self.one is not None
        _killed_and_back(self.one)

    def kill_primary(self, seconds: float, *, ahead: bool) -> None:
        """Kill the primary, `ahead` of all others or not, and have it back later."""
        assert self.three is not None
        if ahead:
            with self.three.lagging():
                time.sleep(seconds)
                killed = self.three.kill_primary()
        else:
            killed = self.three.kill_primary()
        time.sleep(seconds)
        self.three.revive(killed)

    def lag(self, seconds: float) -> None:
        """Have a primary and no majority."""
        assert self.three is not None
        with self.three.lagging():
            time.sleep(seconds)


def _killed_and_back(server: MySQLServer | MongoServer) -> None:
    server.kill()
    server.start()
    server.until_ready()


@contextmanager
def stage(kind: str, *, members: int, seed: int, folder: Path) -> Iterator[Stage]:
    """Start the servers; `kind` is one of `SOURCES`.

    The seed also decides how large batches and chunks are, and whether the native module is used.
    """
    chance = random.Random(seed)
    fixture, history = KINDS[kind.replace(REPLICATED, "-gtid")]
    flavour = cast("Flavour", fixture.partition("_")[0])
    options = [*UNSYNCED, *(WITHOUT_GTIDS if kind == "mysql-file" else ())]
    with ExitStack() as stack:
        replica = one = three = None
        if kind.endswith(REPLICATED):
            both = stack.enter_context(pair(flavour))
            source, replica = both.primary, both.replica
        else:
            source = stack.enter_context(mysql_server(flavour, options=options))
        if members == 1:
            one = stack.enter_context(mongo_server())
            client = stack.enter_context(one.client(tz_aware=True))
        else:
            (folder / "members").mkdir()
            three = stack.enter_context(three_members(folder / "members"))
            client = stack.enter_context(three.client())
        source.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
        target = one or three
        stream = Stream(
            source,
            cast("MongoServer", target),
            client,
            history(source),
            schema=SCHEMA,
            folder=folder,
        )
        stack.callback(stream.close)
        source_proxy = stack.enter_context(Proxy(source.port))
        target_proxy = stack.enter_context(Proxy(one.port if one else source.port))
        stream.proxied_source(source_proxy.port)
        if one is not None:
            stream.proxied_target(target_proxy.port)
        stream.settings["lease"] = {"ttl_seconds": LEASE_SECONDS}
        stream.settings["apply"] = {
            "batch_rows": chance.choice((20, 200, 5_000)),
            "transaction_bytes": chance.choice((20_000, 200_000, 8_000_000)),
        }
        stream.settings["chunks"] = {
            "rows": chance.choice((7, 100, 2_000)),
            "allow_brief_lock": True,
        }
        stream.settings["dead_letters"] = {"max": 1_000_000}
        stream.environment["CDC_NATIVE"] = chance.choice("011")
        stream.settings["http"] = {"listen": f"{LOOPBACK}:{free_port()}"}
        stream.settings["log"]["level"] = "info"
        workload.create(stream)
        yield Stage(stream, source, source_proxy, target_proxy, client, one, three, replica)
