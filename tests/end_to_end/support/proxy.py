"""A TCP proxy between the daemon and a server, which misbehaves on request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

BUFFER_BYTES = 1 << 16

Link = tuple[socket.socket, socket.socket]
"""The client's socket and the server's."""

Filter = Callable[[bytes, Link], bytes]
"""Processes a piece of data: its result is forwarded; it may cut the link."""


def unchanged(data: bytes, _: Link) -> bytes:
    return data


class Proxy:
    """Forwards connections on its `port` to a server on the loopback.

    `requests` and `replies` filter what passes; with `framed`, whole messages of MongoDB.
    """

    def __init__(self, server_port: int, *, framed: bool = False) -> None:
        self.server_port = server_port
        self._framed = framed
        self._links: list[Link] = []
        self._open = threading.Event()
        self._open.set()
        self.requests: Filter = unchanged
        self.replies: Filter = unchanged
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        _shut(self._listener)
        self.cut()

    def black_hole(self) -> None:
        """Block everything, in both directions, without ending any connection."""
        self._open.clear()

    def heal(self) -> None:
        """Forward again, by new connections; what was blocked is lost with the old ones."""
        self.cut()
        self._open.set()

    def point_to(self, server_port: int) -> None:
        """Forward new connections to another server, and end those to the old one."""
        self.server_port = server_port
        self.cut()

    def cut(self) -> None:
        """End all connections."""
        links, self._links = self._links, []
        for link in links:
            cut(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port))
        except OSError:
            _shut(client)
            return
        link = (client, server)
        self._links.append(link)
        replying = threading.Thread(
            target=self._pump,
            args=(server, client, link, lambda data: self.replies(data, link)),
            daemon=True,
        )
        replying.start()
        self._pump(client, server, link, lambda data: self.requests(data, link))

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        link: Link,
        filtered: Callable[[bytes], bytes],
    ) -> None:
        with contextlib.suppress(OSError):
            for data in _messages(source) if self._framed else _pieces(source):
                self._open.wait()
                target.sendall(filtered(data))
        cut(link)


def cut(link: Link) -> None:
    """End both sides of a link."""
    for end in link:
        _shut(end)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _pieces(source: socket.socket) -> Iterator[bytes]:
    while data := source.recv(BUFFER_BYTES):
        yield data


def _messages(source: socket.socket) -> Iterator[bytes]:
    """Yield whole messages: each begins with its length, four bytes, little-endian."""
    buffer = b""
    for data in _pieces(source):
        buffer += data
        while len(buffer) >= 4 and len(buffer) >= (size := int.from_bytes(buffer[:4], "little")):
            yield buffer[:size]
            buffer = buffer[size:]
