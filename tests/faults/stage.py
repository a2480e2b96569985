"""The servers of a campaign, the links between them, and the stream."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from pymongo import MongoClient

from cdc_sandbox.servers import (
    Flavour,
    KafkaServer,
    MongoServer,
    MySQLServer,
    kafka_server,
    mongo_server,
    mysql_server,
)
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from tests.end_to_end.support import certificates
from tests.end_to_end.support.faulty import APART
from tests.end_to_end.support.proxy import Filter, Proxy
from tests.end_to_end.support.published import publish_to
from tests.end_to_end.support.sources import KINDS
from tests.end_to_end.support.stream import Stream
from tests.faults import clocks, heavy, workload
from tests.faults.checkers import holds
from tests.faults.clocks import Clock
from tests.faults.committed import Committed
from tests.faults.parts import Topic
from tests.faults.patience import persist
from tests.faults.topology import REPLICATED, STANDALONE, Condition, Topology
from tests.support.dialect import start_replica, stop_replica
from tests.support.disks import Disk, mounted
from tests.support.replicas import executed, pair
from tests.support.three_members import ThreeMembers, three_members
from tests.support.unsynced import UNSYNCED
from tests.support.waiting import eventually

SCHEMA: Final = "campaign"
LEASE_SECONDS: Final = 2.0
FOLLOWS_WITHIN_SECONDS: Final = 600.0
"""A server looks for room once a minute."""
LISTEN: Final = "CDC_LISTEN"
"""The variable by which appliers leave the address to the daemons."""
WITHOUT_GTIDS: Final = ("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")
MEMBERS: Final = ("member-0", "member-1", "member-2")
TINY_POOL: Final = "--innodb-buffer-pool-size=8M"
TINY_CACHE: Final = "--wiredTigerCacheSizeGB=0.25"


@dataclass
class Stage:
    """All that a fault can be done to."""

    topology: Topology
    stream: Stream
    committed: Committed
    source: MySQLServer
    source_proxy: Proxy
    target_proxy: Proxy
    """In front of a target of one member; three are reached by their own addresses."""
    broker_proxy: Proxy
    """In front of the broker, if there is one."""
    client: MongoClient[dict[str, Any]]
    """Goes around the proxy."""
    one: MongoServer | None
    three: ThreeMembers | None
    replica: MySQLServer | None
    """A replica of the source, to which the stream may move, and back."""
    source_data: Path | None
    listen: str
    """Where a daemon answers."""
    large_rows: int
    """How many rows a large transaction inserts."""
    disks: dict[int, Disk] = field(default_factory=dict)
    """Those of servers of the source and the target, by their ports, where they are small."""
    kafka: KafkaServer | None = None
    """What carries parts to appliers, and has what is published."""
    clocks: dict[str, Clock] = field(default_factory=dict)
    """Those of `source`, `target` and `daemons`, as far as they can be set."""
    tables: int = 0
    """How many tables there are more, where these are thousands."""
    keeps_history: bool = False
    """Whether there is a document for each change of a counter."""

    @property
    def versions(self) -> dict[str, str]:
        """What the servers call themselves."""
        return {
            self.source.flavour: self.source.version,
            "mongo": str(self.client.server_info()["version"]),
        }

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

    def fill_source(self, seconds: float) -> None:
        """Have no room on the source's disk, then room again, and wait until it commits again.

        It looks for room once a minute. If it died before, MariaDB would leave half an event in
        its binlog, which no reader passes.
        """
        self._fill(self.source.port, seconds)
        if not self.source.running:
            self.source.start()
        with suppress(*workload.AWAY):
            self.stream.sql("INSERT INTO scratch (word) VALUES ('there is room again')")

    def fill_replica(self, seconds: float) -> None:
        """Have no room on the replica's disk, then room again, and wait until it follows again."""
        source, replica = self.source, self.replica
        assert replica is not None
        self._fill(replica.port, seconds)
        if not replica.running:
            replica.start()
        replica.until_ready()
        replica.execute(stop_replica(replica))
        replica.execute(start_replica(replica))
        name = "mariadb_gtid" if source.flavour == "mariadb" else "gtid"
        wanted = {name: executed(source)}
        eventually(
            lambda: holds({name: executed(replica)}, wanted),
            FOLLOWS_WITHIN_SECONDS,
            waiting_for="the replica",
        )

    def fill_target(self, seconds: float) -> None:
        """Have no room on the target's disk, of which it may die; then it has room again."""
        assert self.one is not None
        self._fill(self.one.port, seconds)
        _killed_and_back(self.one)

    def fill_member(self, seconds: float, chance: random.Random) -> None:
        """Have no room on the disk of one member, of which it may die; then it has room again."""
        assert self.three is not None
        persist(self.three.until_whole, "three members")
        member = chance.choice(self.three.members)
        self._fill(member.port, seconds)
        member.process.kill()
        self.three.revive(member)

    def _fill(self, port: int, seconds: float) -> None:
        disk = self.disks[port]
        disk.fill()
        time.sleep(seconds)
        disk.free()

    @property
    def parts(self) -> Topic:
        """The topic that carries parts."""
        assert self.kafka is not None
        return Topic(self.kafka.uri, self.stream.name)

    def kill_broker(self, seconds: float) -> None:
        """Kill the broker, and have it back later."""
        assert self.kafka is not None
        self.kafka.kill()
        time.sleep(seconds)
        self.kafka.start()
        self.kafka.until_ready()

    def freeze_broker(self, seconds: float) -> None:
        """Have the broker do nothing for a while."""
        assert self.kafka is not None
        os.kill(self.kafka.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.kafka.pid, signal.SIGCONT)

    def kill_primary(self, seconds: float, *, ahead: bool) -> None:
        """Kill the primary, `ahead` of all others or not, and have it back later."""
        assert self.three is not None
        persist(self.three.until_whole, "three members")
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
def stage(
    topology: Topology, *, seed: int, folder: Path, large_rows: int, tables: int
) -> Iterator[Stage]:
    """Start the servers; where there are thousands of tables, these are so many.

    The seed also decides how large batches and chunks are, whether the native module is used, and
    whether each daemon is as on a host of its own: then a lease has to expire. And whether a
    history is kept: then no run of transactions is mapped at once.
    """
    chance = random.Random(seed)
    kind, tables = topology.kind, tables if topology.is_wide else 0
    fixture, history = KINDS[kind.replace(REPLICATED, "-gtid")]
    flavour = cast("Flavour", fixture.partition("_")[0])
    with ExitStack() as stack:
        made = _Conditions(topology, folder, stack)
        options = [*UNSYNCED, *made.source_options]
        options += WITHOUT_GTIDS if kind == "mysql-file" else ()
        replica = one = three = source_data = None
        if topology.is_replicated:
            both = stack.enter_context(
                pair(
                    flavour,
                    options=options,
                    prefix=made.prefix("source"),
                    data_dirs=[made.folder("source"), made.folder("replica")],
                )
            )
            source, replica = both.primary, both.replica
        else:
            source_data = made.folder("source")
            source = stack.enter_context(
                mysql_server(
                    flavour,
                    options=options,
                    prefix=made.prefix("source"),
                    data_dir=source_data,
                )
            )
            stack.callback(source.kill)  # it has nothing to save
        if topology.members > 1:
            (folder / "members").mkdir()
            three = stack.enter_context(
                three_members(
                    folder / "members",
                    options=made.member_options,
                    data_dirs=[made.folder(each) for each in MEMBERS],
                )
            )
            client = stack.enter_context(three.client())
        else:
            one = stack.enter_context(
                mongo_server(
                    replica_set=topology.members == 1,
                    options=[*made.member_options, *made.target_options],
                    prefix=made.prefix("target"),
                    data_dir=made.folder("target"),
                )
            )
            stack.callback(one.kill)
            client = stack.enter_context(one.client(tz_aware=True))
        members = dict(zip(MEMBERS, three.members, strict=True)) if three else {}
        servers = {"source": source, "replica": replica, "target": one, **members}
        ports = {name: each.port for name, each in servers.items() if each is not None}
        source.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
        stream = Stream(
            source,
            cast("MongoServer", one or three),
            client,
            history(source),
            schema=SCHEMA,
            folder=folder,
        )
        stack.callback(stream.close)
        source_proxy = stack.enter_context(Proxy(source.port))
        target_proxy = stack.enter_context(Proxy(one.port if one else source.port))
        broker_proxy = stack.enter_context(Proxy(source.port))
        stream.proxied_source(source_proxy.port)
        if one is not None:
            stream.proxied_target(target_proxy.port)
        made.tell(stream)
        stream.settings["lease"] = {"ttl_seconds": LEASE_SECONDS}
        stream.settings["apply"] = {
            "batch_rows": chance.choice((50, 500, 5_000)),
            "transaction_bytes": chance.choice((50_000, 500_000, 8_000_000)),
            **({} if topology.members else {"mode": "at_least_once"}),
        }
        if topology.has_lanes:
            stream.settings["apply"] |= {"lanes": 3, "batch_rows": chance.choice((5, 20, 200))}
        kafka = None
        if topology.has_appliers or topology.publishes:
            kafka = stack.enter_context(kafka_server())
            stack.callback(kafka.kill)
            broker_proxy.point_to(kafka.port)
            broker_proxy.replies = _named(kafka.port, broker_proxy.port)
            address = f"{LOOPBACK}:{broker_proxy.port}"
            if topology.has_appliers:
                stream.settings["apply"]["kafka"] = {"bootstrap_servers": address}
            if topology.publishes:
                publish_to(stream, address)
        stream.settings["chunks"] = {
            "rows": chance.choice((40, 200, 2_000)),
            "allow_brief_lock": True,
        }
        stream.settings["dead_letters"] = {"max": 1_000_000}
        stream.environment["CDC_NATIVE"] = chance.choice("011")
        if chance.random() < 0.5:
            stream.environment[APART] = "1"
        keeps_history = topology.members != STANDALONE and chance.random() < 0.5
        listen = f"{LOOPBACK}:{free_port()}"
        stream.settings["http"] = {"listen": f"${{{LISTEN}:-{listen}}}"}
        stream.settings["log"]["level"] = "info"
        workload.create(
            stream,
            is_transactional=bool(topology.members),
            keeps_history=keeps_history,
            tables=tables,
            is_heavy=topology.is_heavy,
        )
        yield Stage(
            topology,
            stream,
            Committed(stream, history),
            source,
            source_proxy,
            target_proxy,
            broker_proxy,
            client,
            one,
            three,
            replica,
            source_data,
            listen,
            large_rows,
            {ports[name]: disk for name, disk in made.disks.items()},
            kafka,
            made.clocks,
            tables,
            keeps_history,
        )


def _named(port: int, other: int) -> Filter:
    """Have a broker tell clients another port than its own; it follows its host, big-endian."""
    told, instead = (LOOPBACK.encode() + each.to_bytes(4, "big") for each in (port, other))
    return lambda data, _: data.replace(told, instead)


class _Conditions:
    """What a topology's conditions are made of."""

    def __init__(self, topology: Topology, folder: Path, stack: ExitStack) -> None:
        has = topology.conditions
        self._folder = folder
        self._certificates: certificates.Certificates | None = None
        self.disks: dict[str, Disk] = {}
        self.clocks: dict[str, Clock] = {}
        self.source_options: list[str] = []
        self.target_options: list[str] = []
        self.member_options: list[str] = []
        if Condition.TLS in has:
            made = self._certificates = certificates.make(_made(folder / "certificates"))
            self.source_options += [
                f"--ssl-ca={made.authority}",
                f"--ssl-cert={made.certificate}",
                f"--ssl-key={made.key}",
            ]
            self.target_options += [
                "--tlsMode=preferTLS",
                f"--tlsCertificateKeyFile={made.both}",
                f"--tlsCAFile={made.authority}",
                "--tlsAllowConnectionsWithoutCertificates",
            ]
        if Condition.TINY_CACHES in has:
            self.source_options.append(TINY_POOL)
            self.member_options.append(TINY_CACHE)
        if topology.is_heavy:
            self.source_options += heavy.OPTIONS
            self.member_options += [heavy.OPLOG] if topology.members else []
        if Condition.SMALL_DISKS in has:
            names = ["source"] + (["replica"] if topology.is_replicated else [])
            names += MEMBERS if topology.members > 1 else ["target"]
            for name in names:
                self.disks[name] = stack.enter_context(mounted(folder / f"disk-{name}"))
        if Condition.FAKE_CLOCKS in has and (library := clocks.library()):
            for name in ("daemons", "source", "target"):
                self.clocks[name] = Clock(library, folder / f"clock-{name}")

    def prefix(self, name: str) -> list[str]:
        """Return the words before a server's command."""
        return self.clocks[name].prefix if name in self.clocks else []

    def folder(self, name: str) -> Path:
        """Return where a server's data are, on a disk of their own or below the campaign's."""
        disk = self.disks.get(name)
        return (disk.folder if disk else self._folder) / f"{name}-data"

    def tell(self, stream: Stream) -> None:
        """Have the stream use what it needs to know of them."""
        if self._certificates is not None:
            authority = str(self._certificates.authority)
            stream.settings["source"]["tls"] = {"ca": authority}
            if "directConnection" in (uri := stream.settings["target"]["uri"]):
                stream.settings["target"]["uri"] = f"{uri}&tls=true&tlsCAFile={authority}"
        if "daemons" in self.clocks:
            stream.environment.update(self.clocks["daemons"].environment)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
