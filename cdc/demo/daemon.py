"""The real daemon, in a process of its own that lives no longer than the demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from cdc.demo.folder import CONFIG_NAME
from cdc.demo.program import cdc_command
from cdc.errors import CdcError
from cdc.servers import supervisor
from cdc.servers.process import tail

_STOP_SECONDS = 30


class DaemonFailed(CdcError):
    """The daemon ended when it should not have."""


class Daemon:
    """`cdc run` on the configuration of a folder; its log goes there too.

    Should the demo die without cleaning up, the daemon and the folder go with it.
    """

    def __init__(self, folder: Path) -> None:
        """Take a folder that holds `cdc.yaml`; nothing is started yet."""
        self.config = folder / CONFIG_NAME
        self.log = folder / "daemon.log"
        self._folder = folder
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __repr__(self) -> str:
        state = f"pid {self._pid}" if self.running else "stopped"
        return f"<Daemon {str(self._folder)!r} ({state})>"

    @property
    def command(self) -> list[str]:
        """Return what a user would type."""
        return cdc_command("run", "--config", str(self.config))

    @property
    def pid(self) -> int:
        """Return the daemon's process id."""
        return self._pid

    @property
    def running(self) -> bool:
        """Tell whether the daemon's process lives."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self) -> None:
        """Start it, out of reach of the terminal's Ctrl-C."""
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", supervisor.__file__),
                    *(str(self._folder), "--", *self.command),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._supervisor.stdout is not None
        self._pid = int(self._supervisor.stdout.readline() or 0)
        if not self._pid:
            raise self._failed("could not be started")

    def check(self) -> None:
        """Raise DaemonFailed with the end of its log if it has died."""
        if not self.running:
            raise self._failed("died")

    def stop(self) -> None:
        """Ask it to finish its batch and to go; DaemonFailed if it does not exit with 0."""
        self.check()
        assert self._supervisor is not None
        os.kill(self._pid, signal.SIGTERM)
        try:
            code = self._supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"did not stop within {_STOP_SECONDS} s") from error
        if code != 0:
            raise self._failed("did not stop cleanly")

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

    def _failed(self, what: str) -> DaemonFailed:
        assert self._supervisor is not None
        code = self._supervisor.poll()
        told = "" if code is None else f" (exit code {code})"
        return DaemonFailed(f"the daemon {what}{told}; the end of its log:\n{self.log_tail()}")
