"""Servers that outlive the process which started them: a process, or a container."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cdc_sandbox.servers.images import Image
from cdc_sandbox.servers.process import ServerFailed, tail

_STOP_SECONDS = 60
_EXEC_SECONDS = 5
_POLL_SECONDS = 0.02


class DetachedProcess:
    """A command in a session of its own, recognised by its process id and its whole command line.

    A process id alone may have been given to another program since.
    """

    def __init__(self, command: Sequence[str], *, log: Path, pid: int = 0) -> None:
        """`pid` is that of an earlier start."""
        self.command = list(command)
        self.pid = pid
        self._log = log

    @property
    def running(self) -> bool:
        """Whether this very server lives."""
        return self.pid > 0 and command_of(self.pid) == self.command

    def start(self) -> None:
        """Start the command; nothing happens if it runs already."""
        if self.running:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.pid = os.posix_spawn(
            self.command[0],
            self.command,
            os.environ,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        # The new command line appears a moment after the call has returned.
        _wait_until(lambda: self.running or _has_ended(self.pid), _EXEC_SECONDS)

    def stop(self) -> None:
        """End the server cleanly, or by force when it takes too long."""
        self._end(signal.SIGTERM)
        self.kill()

    def kill(self) -> None:
        """End the server by SIGKILL."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End the server; its data stay."""
        self.kill()

    def log_tail(self) -> str:
        """Return the last lines that the server logged."""
        return tail(self._log)

    def _end(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)
            _wait_until(lambda: not self.running, _STOP_SECONDS)


class DetachedContainer:
    """A container known by its name."""

    def __init__(self, name: str, image: Image) -> None:
        """Name a container that exists, or will be made from the image."""
        self._name = name
        self._image = image

    @property
    def pid(self) -> int:
        """The server's process id, as the engine's machine counts."""
        return int(self._inspect("{{.State.Pid}}") or 0)

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._inspect("{{.State.Running}}") == "true"

    def start(self) -> None:
        """Create the container, or start it again."""
        if self._inspect("{{.Id}}"):
            _docker("docker", "start", self._name)
        else:
            _docker(*self._image.docker_run(self._name))

    def stop(self) -> None:
        """End the server cleanly; its data stay in the container."""
        _docker("docker", "stop", f"--time={_STOP_SECONDS}", self._name)

    def kill(self) -> None:
        """End the server by SIGKILL."""
        if self.running:
            _docker("docker", "kill", self._name)

    def close(self) -> None:
        """Remove the container and its data."""
        if self._inspect("{{.Id}}"):
            _docker("docker", "rm", "--force", "--volumes", self._name)

    def log_tail(self) -> str:
        """Return the last lines that the server logged."""
        done = subprocess.run(
            ["docker", "logs", "--tail=30", self._name], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def _inspect(self, template: str) -> str:
        done = subprocess.run(
            ["docker", "container", "inspect", f"--format={template}", self._name],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""


def command_of(pid: int) -> list[str]:
    """Return a process's command line; empty if it is gone, or a zombie."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    return [os.fsdecode(word) for word in words[:-1]]


def _has_ended(child: int) -> bool:
    ended, _ = os.waitpid(child, os.WNOHANG)
    return ended == child


def _docker(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerFailed(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")


def _wait_until(condition: Callable[[], bool], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
