"""A MongoDB server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.server import Server

REPLICA_SET = "rs0"
_CACHE_GB = 1  # the default, half of the memory, is too much beside other servers
_ALREADY_INITIALIZED = 23
_CONNECT_MS = 2000

Document = dict[str, Any]


class MongoServer(Server):
    """A target of its own: a standalone, or a replica set of one member."""

    def __init__(self, runner: Runner, *, port: int, replica_set: bool) -> None:
        """Take over a runner that has not been started."""
        super().__init__(runner, port=port)
        self.replica_set = replica_set

    def __repr__(self) -> str:
        kind = "replica set" if self.replica_set else "standalone"
        return f"<MongoServer {self.version} {kind} {self.host}:{self.port} ({self._state()})>"

    @property
    def uri(self) -> str:
        """The connection string that applications use."""
        suffix = f"?replicaSet={REPLICA_SET}" if self.replica_set else ""
        return f"mongodb://{self.host}:{self.port}/{suffix}"

    @property
    def client_command(self) -> str:
        """What to type into a shell that has MongoDB's client."""
        return f"mongosh '{self.uri}'"

    def client(self, **options: Any) -> MongoClient[Document]:
        """Open a client; whoever asks closes it."""
        settings: dict[str, Any] = {"tz_aware": True}
        return MongoClient(self.uri, **settings | options)

    @property
    def _program(self) -> str:
        return "mongod"

    def _refusal(self) -> str | None:
        with MongoClient[Document](
            self.host,
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=_CONNECT_MS,
        ) as client:
            try:
                self.version = str(client.server_info()["version"])
                if self.replica_set:
                    self._initiate(client)
                return None if client.admin.command("hello")["isWritablePrimary"] else "no primary"
            except PyMongoError as error:
                return str(error)

    def _initiate(self, client: MongoClient[Document]) -> None:
        if client.admin.command("hello").get("setName") == REPLICA_SET:
            return
        member = {"_id": 0, "host": f"{self.host}:{self.port}"}
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise


def with_options(command: Sequence[str], options: Sequence[str]) -> list[str]:
    """Add options to a command; mongod takes each once, so a given one replaces one of ours."""
    given = {each.partition("=")[0] for each in options}
    return [*(each for each in command if each.partition("=")[0] not in given), *options]


def mongod_options(*, port: int, replica_set: bool) -> list[str]:
    """Return the options of a mongod on one port, wherever it runs."""
    return [
        f"--port={port}",
        "--nounixsocket",
        f"--wiredTigerCacheSizeGB={_CACHE_GB}",
        *([f"--replSet={REPLICA_SET}"] if replica_set else []),
    ]
