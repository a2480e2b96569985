"""A MongoDB server that one can start, stop and kill."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from cdc_sandbox.servers.mongod import REPLICA_SET
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.waiting import until_ready

_ALREADY_INITIALIZED = 23
_CONNECT_MS = 2000

Document = dict[str, Any]


class MongoServer:
    """A target of its own: a standalone, or a replica set of one member."""

    host = LOOPBACK

    def __init__(self, runner: Runner, *, port: int, replica_set: bool) -> None:
        """Take over a runner that has not been started."""
        self.port = port
        self.replica_set = replica_set
        self.version = ""
        self._runner = runner

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self.running else "stopped"
        kind = "replica set" if self.replica_set else "standalone"
        return f"<MongoServer {self.version} {kind} {self.host}:{self.port} ({state})>"

    @property
    def uri(self) -> str:
        """The connection string that applications use."""
        suffix = f"?replicaSet={REPLICA_SET}" if self.replica_set else ""
        return f"mongodb://{self.host}:{self.port}/{suffix}"

    @property
    def client_command(self) -> str:
        """What to type into a shell that has MongoDB's client."""
        return f"mongosh '{self.uri}'"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._runner.pid

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._runner.running

    def start(self) -> None:
        """Start on the same data and port, and wait until it takes writes."""
        self._runner.start()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until the started server answers; ServerFailed shows its log if it does not."""
        until_ready(f"mongod on port {self.port}", self._runner, self._refusal)

    def stop(self) -> None:
        """End it cleanly."""
        self._runner.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._runner.kill()

    def restart(self) -> None:
        """End it cleanly and start it again."""
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self._runner.log_tail()

    def client(self, **options: Any) -> MongoClient[Document]:
        """Open a client; whoever asks closes it."""
        settings: dict[str, Any] = {"tz_aware": True}
        return MongoClient(self.uri, **settings | options)

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
