"""Servers for as long as a `with` block lasts."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cdc_sandbox.servers import kafka_program, packages, versions, wheel
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.containers import Container
from cdc_sandbox.servers.engine import Engine, choose
from cdc_sandbox.servers.images import kafka_image, mongo_image, mysql_image
from cdc_sandbox.servers.kafka import KafkaCluster, KafkaServer
from cdc_sandbox.servers.kafka_program import new_cluster
from cdc_sandbox.servers.mongo import MongoServer, with_options
from cdc_sandbox.servers.mysql import MySQLServer
from cdc_sandbox.servers.ports import free_port
from cdc_sandbox.servers.process import Process
from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.server import Server
from cdc_sandbox.servers.versions import Flavour


@contextmanager
def mysql_server(
    flavour: Flavour = "mysql",
    *,
    version: str | None = None,
    options: Sequence[str] = (),
    prefix: Sequence[str] = (),
    data_dir: Path | None = None,
    engine: Engine | None = None,
) -> Iterator[MySQLServer]:
    """Run a server of this flavour; `options` are added to its command line and win.

    `version` is one of cdc_sandbox.servers.versions, else CDC_SERVER_VERSIONS decides.
    `prefix` are words that run the command of a server from packages, as `env NAME=VALUE` does.
    Without `data_dir` it starts empty and leaves nothing. Unfit says what the machine lacks.
    """
    wanted = versions.chosen(flavour, version)
    port = free_port()
    with _home(flavour) as home:
        runner: Runner
        if choose(engine) == "containers":
            volume, password = _volume(data_dir)
            runner = Container(
                mysql_image(
                    flavour,
                    wanted,
                    port=port,
                    password=password,
                    options=options,
                    data_dir=volume,
                )
            )
        else:
            installed = packages.installed(flavour, wanted, Cache.of_user())
            data = data_dir or home / "data"
            password = installed.prepare(data)
            runner = Process(
                [*prefix, *installed.command(data=data, port=port), *options],
                log=home / "log",
                remove=None if data_dir else home,
            )
        server = MySQLServer(runner, flavour=flavour, port=port, password=password)
        with _running(server, runner, keep=data_dir is not None):
            yield server


@contextmanager
def mongo_server(
    *,
    version: str | None = None,
    replica_set: bool = True,
    options: Sequence[str] = (),
    prefix: Sequence[str] = (),
    data_dir: Path | None = None,
    engine: Engine | None = None,
) -> Iterator[MongoServer]:
    """Run a MongoDB server, a replica set of one member or a standalone.

    `version`, `options` and `prefix` as of mysql_server. Without `data_dir` it starts empty and
    leaves nothing.
    """
    wanted = versions.chosen("mongo", version)
    port = free_port()
    with _home("mongo") as home:
        runner: Runner
        if choose(engine) == "containers":
            if data_dir:
                data_dir.mkdir(parents=True, exist_ok=True)
            runner = Container(
                mongo_image(
                    wanted,
                    port=port,
                    replica_set=replica_set,
                    options=options,
                    data_dir=data_dir,
                )
            )
        else:
            installed = wheel.installed(wanted, Cache.of_user())
            data = data_dir or home / "data"
            data.mkdir(parents=True, exist_ok=True)
            command = installed.command(data=data, port=port, replica_set=replica_set)
            runner = Process(
                [*prefix, *with_options(command, options)],
                log=home / "log",
                remove=None if data_dir else home,
            )
        server = MongoServer(runner, port=port, replica_set=replica_set)
        with _running(server, runner, keep=data_dir is not None):
            yield server


@contextmanager
def kafka_server(
    *, version: str | None = None, engine: Engine | None = None
) -> Iterator[KafkaServer]:
    """Run a Kafka of one broker. `version` as of mysql_server; it starts empty, leaves nothing."""
    if choose(engine) == "containers":
        port = free_port()
        image = kafka_image(versions.chosen("kafka", version), port=port)
        runner = Container(image)
        server = KafkaServer(runner, port=port)
        with _running(server, runner, keep=False):
            yield server
    else:
        with kafka_brokers(1, version=version) as cluster:
            yield cluster.brokers[0]


@contextmanager
def kafka_brokers(count: int = 3, *, version: str | None = None) -> Iterator[KafkaCluster]:
    """Run a Kafka of several brokers, from its jars; with three of them one may be missing.

    `version` as of mysql_server. It starts empty and leaves nothing.
    """
    installed = kafka_program.installed(versions.chosen("kafka", version), Cache.of_user())
    ports = [(free_port(), free_port()) for _ in range(count)]
    cluster = new_cluster()
    with ExitStack() as stack:
        brokers = []
        for node, (port, _) in enumerate(ports, start=1):
            home = stack.enter_context(_home("kafka"))
            command = installed.prepare(home / "broker", cluster=cluster, node=node, ports=ports)
            runner = Process(command, log=home / "log", remove=home)
            stack.callback(runner.close)
            brokers.append(KafkaServer(runner, port=port, node=node, version=installed.version))
        whole = KafkaCluster(brokers)
        whole.start()
        yield whole


def _volume(data_dir: Path | None) -> tuple[Path | None, str]:
    """Return the folder that a container fills, and the password that goes with it."""
    if data_dir is None:
        return None, secrets.token_urlsafe(12)
    volume = data_dir / "data"
    if not volume.exists():
        volume.mkdir(parents=True)
        packages.save_password(data_dir, secrets.token_urlsafe(12))
    return volume, packages.saved_password(data_dir)


@contextmanager
def _home(name: str) -> Iterator[Path]:
    """Make a folder for what a server leaves beside its data, and remove it afterwards."""
    home = Path(tempfile.mkdtemp(prefix=f"cdc-{name}-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(server: Server, runner: Runner, *, keep: bool) -> Iterator[None]:
    try:
        server.start()
        yield
        if keep:
            server.stop()
    finally:
        runner.close()
