"""A replica set of three members, of which the primary can be the only one that has what is new."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure
from pymongo.write_concern import WriteConcern

from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.mongo import with_options
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from cdc_sandbox.servers.process import Process
from cdc_sandbox.servers.versions import chosen
from cdc_sandbox.servers.wheel import installed
from tests.support.waiting import eventually

SET = "rs0"
SMALL = ("--oplogSize=50",)
FAILS_ON_DEMAND = ("--setParameter", "enableTestCommands=1")
SETTINGS = {"catchUpTimeoutMillis": 0}
"""A new primary does not fetch what only the old one had."""

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Member:
    port: int
    process: Process
    data: Path

    def client(self) -> Client:
        """Open a client that talks to this member, whatever it is now."""
        return MongoClient(
            LOOPBACK, self.port, directConnection=True, serverSelectionTimeoutMS=5_000
        )

    def hello(self) -> dict[str, Any]:
        with self.client() as client:
            return client.admin.command("hello")

    @property
    def has_rolled_back(self) -> bool:
        """Whether it has given up what no other member had: it keeps that in files."""
        return (self.data / "rollback").exists()

    def replicate(self, *, on: bool) -> None:
        """Fetch what the primary has, or leave it alone. The member votes in any case."""
        self._fail("stopReplProducer", on=not on)

    def build_indexes(self, *, on: bool) -> None:
        """Build indexes to their end, or only begin to."""
        self._fail("hangAfterStartingIndexBuild", on=not on)

    def _fail(self, name: str, *, on: bool) -> None:
        with self.client() as client:
            mode = "alwaysOn" if on else "off"
            client.admin.command({"configureFailPoint": name, "mode": mode})


class ThreeMembers:
    """Any of them may become the primary, unless two of them lag always."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members

    @property
    def members(self) -> Sequence[Member]:
        """All three, whatever each of them is now."""
        return self._members

    @property
    def uri(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{each.port}" for each in self._members)
        return f"mongodb://{hosts}/?replicaSet={SET}"

    def client(self) -> Client:
        """Open a client whose own writes wait for the primary alone."""
        return MongoClient(self.uri, tz_aware=True, w=1)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the secondaries. The primary steps down ten seconds later.

        What was sent to them is in their sockets: they have it as soon as they are thawed.
        """
        secondaries = self._secondaries()
        for each in secondaries:
            os.kill(each.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in secondaries:
                os.kill(each.process.pid, signal.SIGCONT)

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Have the secondaries fetch nothing: there is a primary, and a majority has nothing new.

        They vote, so one of them follows the primary if that is killed.
        """
        secondaries = self._secondaries()
        for each in secondaries:
            each.replicate(on=False)
        try:
            yield
        finally:
            for each in secondaries:
                each.replicate(on=True)

    @contextmanager
    def building_no_index(self) -> Iterator[None]:
        """Have each index that a primary begins to build stay unfinished."""
        self._build_indexes(on=False)
        try:
            yield
        finally:
            self._build_indexes(on=True)

    def _build_indexes(self, *, on: bool) -> None:
        for each in self._members:
            each.build_indexes(on=on)

    def kill_primary(self) -> Member:
        """Kill the primary, and wait for another one."""
        eventually(self._has_primary, waiting_for="a primary")
        [old] = [each for each in self._members if _state(each) == "primary"]
        old.process.kill()
        eventually(self._has_primary, waiting_for="another primary")
        return old

    def until_whole(self) -> None:
        """Wait until all members have everything: one that came back may have to roll back first.

        Without that the death of another one leaves no majority for as long as a rollback waits.
        """
        eventually(self._is_whole, waiting_for="three members")
        everywhere = WriteConcern(w=3)
        with self.client() as client:
            marks = client["waiting"].get_collection("marks", write_concern=everywhere)
            marks.insert_one({})

    def revive(self, member: Member) -> None:
        """Start a member again, and wait until it follows the primary."""
        member.process.start()
        eventually(lambda: _state(member) == "secondary", waiting_for="a secondary")

    def initiate(self, *, delay_seconds: int) -> None:
        later = {"priority": 0, "secondaryDelaySecs": delay_seconds} if delay_seconds else {}
        configured = [
            {"_id": number, "host": f"{LOOPBACK}:{each.port}", **(later if number else {})}
            for number, each in enumerate(self._members)
        ]
        with self._members[0].client() as client:
            client.admin.command(
                "replSetInitiate", {"_id": SET, "members": configured, "settings": SETTINGS}
            )
        eventually(self._is_whole, waiting_for="three members")

    def _secondaries(self) -> list[Member]:
        eventually(self._has_primary, waiting_for="a primary")
        return [each for each in self._members if _state(each) == "secondary"]

    def _has_primary(self) -> bool:
        running = [each for each in self._members if each.process.running]
        return any(_state(each) == "primary" for each in running)

    def _is_whole(self) -> bool:
        states = sorted(map(_state, self._members))
        return states == ["primary", "secondary", "secondary"]


def _state(member: Member) -> str:
    with suppress(ConnectionFailure):
        hello = member.hello()
        if hello["isWritablePrimary"]:
            return "primary"
        if hello.get("secondary"):
            return "secondary"
    return "neither"


@contextmanager
def three_members(
    folder: Path,
    *,
    delay_seconds: int = 0,
    options: Sequence[str] = (),
    data_dirs: Sequence[Path] = (),
) -> Iterator[ThreeMembers]:
    """Start them; with `delay_seconds` a majority has everything so much later, always.

    Their data are in `data_dirs`, which are made, or below `folder`, as their logs are.
    """
    server = installed(chosen("mongo"), Cache.of_user())
    with ExitStack() as stack:
        members = []
        for number, data in enumerate(data_dirs or [folder / str(each) for each in range(3)]):
            port = free_port()
            data.mkdir()
            command = server.command(data=data, port=port, replica_set=True)
            command = with_options(command, [*SMALL, *FAILS_ON_DEMAND, *options])
            process = Process(command, log=folder / f"{number}.log")
            stack.callback(process.close)
            process.start()
            members.append(Member(port, process, data))
        for each in members:
            eventually(lambda each=each: _answers(each), waiting_for="a member")  # type: ignore[misc]
        made = ThreeMembers(members)
        made.initiate(delay_seconds=delay_seconds)
        yield made


def _answers(member: Member) -> bool:
    with suppress(ConnectionFailure):
        return bool(member.hello()["ok"])
    return False
