"""A server process that lives no longer than this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdc.errors import CdcError
from cdc_sandbox.servers import supervisor

_STOP_SECONDS = 60  # a server that flushes its buffers to a slow disk takes its time


class ServerFailed(CdcError):
    """A server ended or did not answer in time."""


class Process:
    """A command, run under a supervisor that kills it when this process is gone."""

    def __init__(self, command: Sequence[str], *, log: Path, remove: Path | None = None) -> None:
        """`remove` is a folder that nobody needs once the owner is gone."""
        self.log = log
        self._command = list(command)
        self._remove = remove
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __repr__(self) -> str:
        state = f"pid {self._pid}" if self.running else "stopped"
        return f"<{type(self).__name__} {Path(self._command[0]).name!r} ({state})>"

    @property
    def pid(self) -> int:
        """The server's process id; 0 before the first start."""
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the command, out of reach of the terminal's Ctrl-C, unless it runs already."""
        if self.running:
            return
        self._release()
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [
                    sys.executable,
                    *("-I", "-S", supervisor.__file__),
                    *(str(self._remove or ""), "--", *self._command),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        assert self._supervisor.stdout is not None
        answer = self._supervisor.stdout.readline()
        if not answer:
            raise ServerFailed(f"{self._command[0]} could not be run:\n{self.log_tail()}")
        self._pid = int(answer)

    def stop(self) -> None:
        """End the server cleanly, or by force when it takes too long."""
        if not self.running:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        assert self._supervisor is not None
        try:
            self._supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._release()

    def kill(self) -> None:
        """End the server by SIGKILL and wait until it is gone."""
        if self.running:
            assert self._supervisor is not None
            self._signal(signal.SIGKILL)
            self._supervisor.wait()
        self._release()

    def close(self) -> None:
        """End the server at once; its data are not needed any more."""
        self.kill()

    def log_tail(self) -> str:
        """Return the last lines that the server logged."""
        return tail(self.log)

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            try:
                os.kill(self._pid, number)
            except ProcessLookupError:  # it ended by itself in this very moment
                return

    def _release(self) -> None:
        if self._supervisor is not None:
            assert self._supervisor.stdin is not None
            assert self._supervisor.stdout is not None
            self._supervisor.stdin.close()
            self._supervisor.stdout.close()
            self._supervisor.wait()
            self._supervisor = None


def tail(log: Path, *, lines: int = 30) -> str:
    """Return the last lines of a file, or nothing if there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
