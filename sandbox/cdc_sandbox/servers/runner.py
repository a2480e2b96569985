"""What keeps a server running: a process or a container."""

from __future__ import annotations

from typing import Protocol


class Runner(Protocol):
    """Starts and ends one server, always on the same port and the same data."""

    @property
    def pid(self) -> int:
        """The server's process id on this machine."""

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""

    def start(self) -> None:
        """Start the server without waiting until it answers."""

    def stop(self) -> None:
        """End the server cleanly."""

    def kill(self) -> None:
        """End the server at once, as a power cut would (SIGKILL)."""

    def close(self) -> None:
        """End the server and forget what it needed."""

    def log_tail(self) -> str:
        """Return the end of what the server logged."""
