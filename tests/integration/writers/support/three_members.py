"""A replica set of three members, two of which can be frozen: only the primary has what is new."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from cdc_sandbox.servers.process import Process
from cdc_sandbox.servers.versions import chosen
from cdc_sandbox.servers.wheel import installed
from tests.support.waiting import eventually

SET = "rs0"
SMALL = ("--oplogSize=50",)

Client = MongoClient[dict[str, Any]]


class ThreeMembers:
    """The first member is the primary for as long as it hears of another."""

    def __init__(self, ports: list[int], secondaries: list[Process]) -> None:
        self._ports = ports
        self._secondaries = secondaries

    def client(self) -> Client:
        return MongoClient(f"mongodb://{LOOPBACK}:{self._ports[0]}/?replicaSet={SET}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Freeze the secondaries. The primary steps down ten seconds later."""
        for each in self._secondaries:
            os.kill(each.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in self._secondaries:
                os.kill(each.pid, signal.SIGCONT)

    def initiate(self) -> None:
        with MongoClient[dict[str, Any]](LOOPBACK, self._ports[0], directConnection=True) as client:
            members = [
                {"_id": number, "host": f"{LOOPBACK}:{port}", "priority": int(number == 0)}
                for number, port in enumerate(self._ports)
            ]
            client.admin.command("replSetInitiate", {"_id": SET, "members": members})

            def healthy() -> bool:
                status = client.admin.command("replSetGetStatus")
                return [each["state"] for each in status["members"]] == [1, 2, 2]

            eventually(healthy, waiting_for="three members")


@contextmanager
def three_members(folder: Path) -> Iterator[ThreeMembers]:
    server = installed(chosen("mongo"), Cache.of_user())
    ports = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        processes = []
        for port in ports:
            data = folder / str(port)
            data.mkdir()
            command = [*server.command(data=data, port=port, replica_set=True), *SMALL]
            process = Process(command, log=folder / f"{port}.log")
            stack.callback(process.close)
            process.start()
            processes.append(process)
        for port in ports:
            with MongoClient[dict[str, Any]](LOOPBACK, port, directConnection=True) as client:
                client.admin.command("ping")
        members = ThreeMembers(ports, processes[1:])
        members.initiate()
        yield members
