"""Whatever a client sends to the daemon's HTTP server, it answers or closes, and goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from structlog.testing import capture_logs

from cdc.observability.http import Answer, Pages, _handler, _Server
from cdc_sandbox.servers.ports import LOOPBACK

WITHIN_SECONDS: Final = 5.0
"""A client that has sent all is answered long before the server gives an idle one up."""


ANSWERS: Final = (b"HTTP/1.0 ", b"<!DOCTYPE HTML>", b"{", b"")
"""How an answer begins: of HTTP/0.9, a request without a version, with its body; or it is none."""


class Still(Pages):
    """The pages' paths with answers that ask nobody."""

    def __init__(self) -> None:
        self._pages = dict.fromkeys(("/metrics", "/healthz", "/status", "/status?recent"), _alive)


def _alive() -> Answer:
    return 200, "application/json", b"{}\n"


@cache
def _listening() -> tuple[str, int]:
    """Start the server, once in this process; return its address."""
    server = _Server((LOOPBACK, 0), _handler(Still()))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    host, port = server.server_address[:2]
    return str(host), int(port)


def http_request(data: bytes) -> None:
    """Send bytes and no more; then a request that is right."""
    with capture_logs() as said:
        answer = _answer(data)
        assert answer.startswith(ANSWERS), answer
        alive = _answer(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert alive.startswith(b"HTTP/1.0 200 ")
    assert alive.endswith(b"\r\n\r\n{}\n")
    assert not _errors(said), said


def _answer(data: bytes) -> bytes:
    with socket.create_connection(_listening(), WITHIN_SECONDS) as client:
        parts = []
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(1 << 16):
                parts.append(part)
        except ConnectionError:
            pass  # it closed before it had read all: no answer was promised
        return b"".join(parts)


def _errors(said: Iterable[Any]) -> list[Any]:
    return [each for each in said if each["log_level"] == "error"]


def seeds() -> Iterable[bytes]:
    """Return requests."""
    yield b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: scrape\r\n\r\n"
    yield b"GET /status?recent HTTP/1.0\r\nAccept: */*\r\n\r\n"
    yield b"GET /healthz\r\n"
    yield b"HEAD / HTTP/1.1\r\n\r\n"
    yield b"POST /status HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"
    yield b"GET /nowhere HTTP/2.0\r\n\r\n"
    yield b"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03"
