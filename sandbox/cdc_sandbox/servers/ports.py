"""TCP ports that a server can keep over its restarts."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 12000
_USUAL_EPHEMERAL = 32768


def free_port() -> int:
    """Return a port on loopback that nothing listens on and that no client is given.

    The ephemeral range is avoided: while a server is down, a client that retries could be given
    the server's own port, connect to itself, and keep the server from starting again.
    """
    highest = max(_first_ephemeral(), _LOWEST + 1000)
    for _ in range(1000):
        port = random.randrange(_LOWEST, highest)
        if is_free(port):
            return port
    raise OSError("no free port on loopback")


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _first_ephemeral() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_EPHEMERAL
