"""What systemd hears of a daemon, on a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

WATCHDOG_SECONDS = 0.6


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def hears(self, line: str) -> bool:
        """Whether the line was sent since the last time that somebody asked for it."""
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                break
        found = [at for at, each in enumerate(self.heard) if each.startswith(line)]
        self.heard = self.heard[found[-1] + 1 :] if found else self.heard
        return bool(found)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    path = tmp_path / "notify"
    manager = Manager(path)
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", str(round(WATCHDOG_SECONDS * 1_000_000)))
    yield manager
    manager.close()


@ONE_KIND
def test_systemd_hears_that_it_is_ready_that_it_turns_and_that_it_ends(
    stream: Stream, manager: Manager
) -> None:
    """About 8 seconds; the lock on the state document makes the daemon hang."""
    stream.settings["http"] = {"listen": "off", "stalled_after_seconds": 2}
    stream.settings["lease"] = {"ttl_seconds": 1}
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    daemon = stream.start()
    eventually(lambda: manager.hears("READY=1"))
    daemon.until_logged("streaming")
    eventually(lambda: manager.hears("STATUS=active, lag 0.0 s"))

    with stream.client.start_session() as session, session.start_transaction():
        stream.state["streams"].update_one(
            {"_id": stream.name}, {"$set": {"note": 1}}, session=session
        )
        # each message begins with the status and ends with the watchdog's food
        eventually(lambda: manager.hears("STATUS") and "WATCHDOG=1" not in manager.heard)
        session.abort_transaction()

    eventually(lambda: manager.hears("WATCHDOG=1"))
    assert daemon.stop() == 0
    assert manager.hears("STOPPING=1")


@ONE_KIND
def test_a_standby_is_ready_and_a_mistake_never_is(stream: Stream, manager: Manager) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY")
    stream.start()
    eventually(lambda: manager.hears("READY=1"))

    stream.start().until_logged("standby")
    eventually(lambda: manager.hears("READY=1"))

    stream.settings["apply"] = {"mode": "twice"}
    assert stream.start().wait() == 2
    assert not manager.hears("READY=1")
