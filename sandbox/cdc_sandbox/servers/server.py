"""A server that one can start, stop and kill, whatever it serves."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.runner import Runner

_READY_SECONDS = 90  # crash recovery on a busy machine; a healthy start takes one or two
_POLL_SECONDS = 0.05


class Server(ABC):
    """A server on one port of loopback, always with the same data."""

    host = LOOPBACK

    def __init__(self, runner: Runner, *, port: int) -> None:
        """Take over a runner that has not been started."""
        self.port = port
        self.version = ""
        self._runner = runner

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._runner.pid

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._runner.running

    def start(self) -> None:
        """Start on the same data and port, and wait until it can be used."""
        self._runner.start()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until the started server answers; ServerFailed shows its log if it does not."""
        deadline = time.monotonic() + _READY_SECONDS
        while (reason := self._refusal()) is not None:
            if not self.running:
                raise ServerFailed(f"{self._place()} ended while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self._place()} did not answer within {_READY_SECONDS} s: {reason}\n"
                    f"{self.log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

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

    def _place(self) -> str:
        return f"{self._program} on port {self.port}"

    def _state(self) -> str:
        return f"pid {self.pid}" if self.running else "stopped"

    @property
    @abstractmethod
    def _program(self) -> str:
        """What people call the program."""

    @abstractmethod
    def _refusal(self) -> str | None:
        """Return why it cannot be used yet, or None; notes its version."""
