"""A program of the demo, in a process of its own that lives no longer than the demo."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdc.errors import CdcError
from cdc_sandbox.servers.process import Process, ServerFailed

_STOP_SECONDS = 30


class ProgramFailed(CdcError):
    """A program ended when it should not have."""


class Supervised(Process):
    """A command, its log in a file, whose failures tell the end of it.

    Should the demo die without cleaning up, the program and the folder go with it.
    """

    failure: type[ProgramFailed] = ProgramFailed

    def __init__(self, name: str, folder: Path, command: Sequence[str], log: Path) -> None:
        """Take what people call it, the demo's folder and a command; nothing is started yet."""
        super().__init__(command, log=log, remove=folder)
        self._name = name

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it; its failure if it cannot be run."""
        try:
            super().start(environment)
        except ServerFailed as error:
            raise self._failed("could not be started") from error

    @property
    def was_killed(self) -> bool:
        """Whether somebody has ended it by SIGKILL."""
        supervisor = self._supervisor
        return supervisor is not None and supervisor.poll() == 128 + signal.SIGKILL

    def check(self) -> None:
        """Raise its failure with the end of its log if it has died."""
        if not self.running:
            raise self._failed("died")

    def stop(self) -> None:
        """Ask it to finish what it does and to go; a failure if it does not exit with 0."""
        self.check()
        assert self._supervisor is not None
        self._signal(signal.SIGTERM)
        try:
            code = self._supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"did not stop within {_STOP_SECONDS} s") from error
        if code != 0:
            raise self._failed("did not stop cleanly")

    def kill(self) -> None:
        """Kill it where it stands; its folder stays."""
        self.check()
        super().kill()

    def close(self) -> None:
        """Kill it if it still runs."""
        super().kill()

    def _failed(self, what: str) -> ProgramFailed:
        code = self._supervisor.poll() if self._supervisor else None
        told = "" if code is None else f" (exit code {code})"
        return self.failure(f"{self._name} {what}{told}; the end of its log:\n{self.log_tail()}")
