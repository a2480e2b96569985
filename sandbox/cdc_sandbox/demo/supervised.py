"""A program of the demo, in a process of its own that lives no longer than the demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdc.errors import CdcError
from cdc_sandbox.servers import supervisor
from cdc_sandbox.servers.process import tail

_STOP_SECONDS = 30


class ProgramFailed(CdcError):
    """A program ended when it should not have."""


class Supervised:
    """A command, its log in a file.

    Should the demo die without cleaning up, the program and the folder go with it.
    """

    failure: type[ProgramFailed] = ProgramFailed

    def __init__(self, name: str, folder: Path, command: Sequence[str], log: Path) -> None:
        """Take what people call it, the demo's folder and a command; nothing is started yet."""
        self.log = log
        self._name = name
        self._folder = folder
        self._command = command
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __repr__(self) -> str:
        state = f"pid {self._pid}" if self.running else "stopped"
        return f"<{type(self).__name__} {str(self._folder)!r} ({state})>"

    @property
    def pid(self) -> int:
        """Return the program's process id."""
        return self._pid

    @property
    def running(self) -> bool:
        """Return whether the program's process lives."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, out of reach of the terminal's Ctrl-C."""
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", supervisor.__file__),
                    *(str(self._folder), "--", *self._command),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        assert self._supervisor.stdout is not None
        self._pid = int(self._supervisor.stdout.readline() or 0)
        if not self._pid:
            raise self._failed("could not be started")

    def check(self) -> None:
        """Raise its failure with the end of its log if it has died."""
        if not self.running:
            raise self._failed("died")

    def stop(self) -> None:
        """Ask it to finish what it does and to go; a failure if it does not exit with 0."""
        self.check()
        assert self._supervisor is not None
        os.kill(self._pid, signal.SIGTERM)
        try:
            code = self._supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"did not stop within {_STOP_SECONDS} s") from error
        if code != 0:
            raise self._failed("did not stop cleanly")

    def kill(self) -> None:
        """Kill it where it stands; its folder stays."""
        self.check()
        assert self._supervisor is not None
        os.kill(self._pid, signal.SIGKILL)
        self._supervisor.wait()

    def log_tail(self) -> str:
        """Return the last lines that it logged."""
        return tail(self.log)

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._supervisor is None:
            return
        if self.running and self._pid:
            os.kill(self._pid, signal.SIGKILL)
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()
        self._supervisor.stdout.close()
        self._supervisor.wait()

    def _failed(self, what: str) -> ProgramFailed:
        assert self._supervisor is not None
        code = self._supervisor.poll()
        told = "" if code is None else f" (exit code {code})"
        return self.failure(f"{self._name} {what}{told}; the end of its log:\n{self.log_tail()}")
