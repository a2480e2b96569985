"""Servers for as long as a `with` block lasts."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cdc.servers import mariadbd, mysqld, packages, wheel
from cdc.servers.cache import Cache
from cdc.servers.flavour import Flavour
from cdc.servers.mongo import REPLICA_SET, MongoServer
from cdc.servers.mysql import MySQLServer
from cdc.servers.ports import LOOPBACK, free_port
from cdc.servers.process import Process

_MONGOD_CACHE_GB = 1


@contextmanager
def mysql_server(
    flavour: Flavour = "mysql", *, options: Sequence[str] = (), data_dir: Path | None = None
) -> Iterator[MySQLServer]:
    """Run a server of this flavour; `options` are added to its command line and win.

    Without `data_dir` it starts empty and leaves nothing. Unfit says what the machine lacks.
    """
    installed = packages.installed(flavour, Cache.of_user())
    with _home(flavour) as home:
        data = data_dir or home / "data"
        if not data.exists() or not any(data.iterdir()):
            installed.new_data(data)
        port = free_port()
        command = [
            *installed.program.command(),
            *mysql_options(flavour, data=data, port=port),
            *options,
        ]
        runner = Process(command, log=home / "log", remove=None if data_dir else home)
        password = (data / packages.PASSWORD_FILE).read_text()
        server = MySQLServer(runner, flavour=flavour, port=port, password=password)
        with _running(server, runner, keep=data_dir is not None):
            yield server


@contextmanager
def mongo_server(
    *, replica_set: bool = True, options: Sequence[str] = (), data_dir: Path | None = None
) -> Iterator[MongoServer]:
    """Run a MongoDB server, a replica set of one member or a standalone.

    `options` are added to its command line. Without `data_dir` it starts empty and leaves nothing.
    """
    installed = wheel.installed(Cache.of_user())
    with _home("mongo") as home:
        data = data_dir or home / "data"
        data.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command = [
            *installed.command(),
            *mongod_options(replica_set=replica_set, data=data, port=port),
            *options,
        ]
        runner = Process(command, log=home / "log", remove=None if data_dir else home)
        server = MongoServer(runner, port=port, replica_set=replica_set)
        with _running(server, runner, keep=data_dir is not None):
            yield server


def mysql_options(flavour: Flavour, *, data: Path, port: int) -> list[str]:
    """Return the options that make an unpacked server a source, on one port of loopback."""
    defaults = mysqld.DEFAULTS if flavour == "mysql" else mariadbd.DEFAULTS
    return [
        f"--datadir={data}",
        f"--port={port}",
        f"--bind-address={LOOPBACK}",
        # Relative to the data folder: a socket's path is limited to 107 bytes.
        "--socket=server.sock",
        "--pid-file=server.pid",
        f"--server-id={random.randrange(1, 2**31)}",
        *defaults,
    ]


def mongod_options(*, replica_set: bool, data: Path, port: int) -> list[str]:
    """Return the options of a mongod on one port of loopback."""
    return [
        f"--dbpath={data}",
        f"--port={port}",
        f"--bind_ip={LOOPBACK}",
        "--nounixsocket",
        f"--wiredTigerCacheSizeGB={_MONGOD_CACHE_GB}",
        *([f"--replSet={REPLICA_SET}"] if replica_set else []),
    ]


@contextmanager
def _home(name: str) -> Iterator[Path]:
    """Make a folder for what a server leaves beside its data, and remove it afterwards."""
    home = Path(tempfile.mkdtemp(prefix=f"cdc-{name}-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(server: MySQLServer | MongoServer, runner: Process, *, keep: bool) -> Iterator[None]:
    try:
        server.start()
        yield
        if keep:
            server.stop()
    finally:
        runner.close()
