from __future__ import annotations

import socket
from pathlib import Path

from cdc_sandbox.servers.ports import LOOPBACK, free_port, is_free


def test_a_free_port_is_not_one_that_clients_are_given() -> None:
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert free_port() < int(ephemeral[0])


def test_a_port_that_something_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]

        assert not is_free(port)
    assert is_free(port)
