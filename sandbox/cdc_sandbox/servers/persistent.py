"""Servers that stay until they are told to go: what `cdc servers up` and `down` do."""

from __future__ import annotations

import dataclasses
import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit, UsageError
from cdc_sandbox.servers import kafka_program, packages, versions, wheel
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.detached import DetachedContainer, DetachedProcess
from cdc_sandbox.servers.engine import Engine, choose
from cdc_sandbox.servers.images import Image, kafka_image, mongo_image, mysql_image
from cdc_sandbox.servers.kafka import KafkaServer, require_client
from cdc_sandbox.servers.mongo import MongoServer
from cdc_sandbox.servers.mysql import MySQLServer
from cdc_sandbox.servers.ports import free_port, is_free
from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.versions import Name, Version

_START_AFRESH = "cdc servers down --delete-data"

Detached = DetachedProcess | DetachedContainer
StandingServer = MySQLServer | MongoServer | KafkaServer


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a server between two commands; `command` and `pid` of a process.

    `version` is what was asked for; empty if nothing was.
    """

    engine: Engine
    port: int
    version: str = ""
    password: str = ""
    pid: int = 0
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A server that runs, and how to reach it."""

    name: Name
    version: str
    engine: Engine
    host: str
    port: int
    user: str
    password: str
    uri: str
    client: str
    pid: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing servers of one user."""

    cache: Cache

    def require(self, name: Name, engine: Engine | None = None, version: str | None = None) -> None:
        """Raise what `up` would for a version that is not to be had, or a program that is missing.

        Nothing is fetched or started for it.
        """
        wanted = versions.chosen(name, version)
        if name == "kafka":
            require_client()
        if self._saved(name).exists() or choose(engine) == "containers":
            return
        if name == "kafka":
            kafka_program.require(wanted, self.cache)
        elif name == "mongo":
            wheel.require(wanted, self.cache)

    def up(self, name: Name, engine: Engine | None = None, version: str | None = None) -> Report:
        """Start a server on the data that it had before, unless it runs already.

        `version` is one of cdc_sandbox.servers.versions, else CDC_SERVER_VERSIONS decides.
        """
        wanted = versions.chosen(name, version)
        with self.cache.locked(f"up-{name}"):
            state = self._load(name) or self._new(name, wanted, choose(engine))
            if engine and engine != state.engine:
                raise _other_data(name, state.engine)
            if wanted.number and wanted.number != state.version:
                raise _other_data(
                    name, f"version {state.version}" if state.version else "the default version"
                )
            runner = self._runner(name, state)
            if not runner.running and not is_free(state.port):
                raise ServerFailed(
                    f"another program listens on port {state.port} of {name}",
                    remedy=f"stop it, or give the data up: {_START_AFRESH}",
                )
            return self._start(name, state, runner)

    def down(self, name: Name, *, delete_data: bool = False) -> bool:
        """Stop a server; tell whether it ran."""
        with self.cache.locked(f"up-{name}"):
            state = self._load(name)
            if state is None:
                return False
            runner = self._runner(name, state)
            ran = runner.running
            if ran:
                runner.stop()
            if delete_data:
                runner.close()
                shutil.rmtree(self._folder(name))
            return ran

    def _start(self, name: Name, state: State, runner: Detached) -> Report:
        server = _server(name, state, runner)
        runner.start()
        # Saved before it answers: `down` must find a server whose start was interrupted.
        self._save(name, dataclasses.replace(state, pid=runner.pid))
        try:
            server.until_ready()
        except (ServerFailed, Unfit):
            runner.kill()
            raise
        return _report(name, state.engine, server)

    def _new(self, name: Name, version: Version, engine: Engine) -> State:
        port = free_port()
        folder = self._folder(name)
        folder.mkdir(parents=True, mode=0o700)
        if engine == "containers":
            return State(engine, port, version.number, password=secrets.token_urlsafe(12))
        data = folder / "data"
        if name == "mongo":
            data.mkdir()
            mongod = wheel.installed(version, self.cache)
            command = mongod.command(data=data, port=port, replica_set=True)
            return State(engine, port, version.number, command=tuple(command))
        if name == "kafka":
            kafka = kafka_program.installed(version, self.cache)
            ports = [(port, free_port())]
            cluster = kafka_program.new_cluster()
            command = kafka.prepare(data, cluster=cluster, node=1, ports=ports)
            return State(engine, port, version.number, command=tuple(command))
        installed = packages.installed(name, version, self.cache)
        password = installed.prepare(data)
        command = installed.command(data=data, port=port)
        return State(engine, port, version.number, password, command=tuple(command))

    def _runner(self, name: Name, state: State) -> Detached:
        if state.engine == "containers":
            return DetachedContainer(f"cdc-{name}", _image(name, state))
        return DetachedProcess(state.command, log=self._folder(name) / "log", pid=state.pid)

    def _load(self, name: Name) -> State | None:
        path = self._saved(name)
        if not path.exists():
            shutil.rmtree(self._folder(name), ignore_errors=True)  # of a first start cut short
            return None
        saved = json.loads(path.read_text())
        return State(**saved | {"command": tuple(saved["command"])})

    def _save(self, name: Name, state: State) -> None:
        path = self._saved(name)
        written = path.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps(dataclasses.asdict(state)))
        written.rename(path)

    def _saved(self, name: Name) -> Path:
        return self._folder(name) / "state.json"

    def _folder(self, name: Name) -> Path:
        return self.cache.folder / "up" / name


def _other_data(name: Name, made_with: str) -> UsageError:
    return UsageError(f"the data of {name} were made with {made_with}", remedy=_START_AFRESH)


def _image(name: Name, state: State) -> Image:
    version = versions.chosen(name, state.version or None, {})
    if name == "mongo":
        return mongo_image(version, port=state.port, replica_set=True)
    if name == "kafka":
        return kafka_image(version, port=state.port)
    return mysql_image(name, version, port=state.port, password=state.password)


def _server(name: Name, state: State, runner: Detached) -> StandingServer:
    if name == "mongo":
        return MongoServer(runner, port=state.port, replica_set=True)
    if name == "kafka":
        number = state.version or kafka_program.number(versions.DEFAULTS["kafka"])
        return KafkaServer(runner, port=state.port, version=number)
    return MySQLServer(runner, flavour=name, port=state.port, password=state.password)


def _report(name: Name, engine: Engine, server: StandingServer) -> Report:
    user, password = (server.user, server.password) if isinstance(server, MySQLServer) else ("", "")
    return Report(
        name=name,
        version=server.version,
        engine=engine,
        host=server.host,
        port=server.port,
        user=user,
        password=password,
        uri=server.uri,
        client=server.client_command,
        pid=server.pid,
    )
