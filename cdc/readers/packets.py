"""The server's packets, read straight from the connection's socket.

Format: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cdc.errors import CdcError, Retryable

if TYPE_CHECKING:
    from pymysql.connections import Connection

BUFFER_BYTES: Final = 1 << 18
HEADER_SIZE: Final = 4
MAX_PAYLOAD: Final = 0xFFFFFF
"""A payload of this length goes on in the next packet."""

OK: Final = 0x00
EOF: Final = 0xFE
ERR: Final = 0xFF

_read_length = struct.Struct("<I").unpack_from  # three bytes, and the packet's number


class ConnectionLost(Retryable):
    """The connection to the source broke."""


class StreamEnded(ConnectionLost):
    """The source has sent all that it was asked for."""


class ServerError(CdcError):
    """The source answered a request with an error."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the server's error number beside its text."""
        self.code = code
        self.text = text
        super().__init__(f"the source says: {text} (error {code})")


class PacketStream:
    """What the server sends after a dump command, packet by packet.

    PyMySQL's own packet reader costs three times as much (its bookkeeping of sequence numbers
    and result sets), so the bytes are read here, from the socket that it opened.
    """

    def __init__(self, connection: Connection[Any], *, timeout_seconds: float) -> None:
        """Take over `connection`, on which nothing else may be read any more."""
        self._socket: socket.socket = connection._sock  # type: ignore[attr-defined]
        self._socket.settimeout(timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._buffer = b""
        self._at = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield each event: a packet's payload without its leading OK byte.

        Raises ConnectionLost when the link breaks or stays silent longer than the timeout, and
        ServerError when the server ends the stream with an error.
        """
        while True:
            yield from self._buffered()
            yield _event(self._payload())

    def _buffered(self) -> Iterator[bytes]:
        """Yield events for as long as the buffer holds a whole one in one packet."""
        buffer, size = self._buffer, len(self._buffer)
        while (start := self._at + HEADER_SIZE) < size and buffer[start] == OK:
            length = _read_length(buffer, self._at)[0] & MAX_PAYLOAD
            end = start + length
            if end > size or not 0 < length < MAX_PAYLOAD:
                return
            self._at = end
            yield buffer[start + 1 : end]

    def _payload(self) -> bytes:
        payload, more = self._packet()
        if not more:
            return payload
        parts = [payload]
        while more:
            payload, more = self._packet()
            parts.append(payload)
        return b"".join(parts)

    def _packet(self) -> tuple[bytes, bool]:
        header = self._exactly(HEADER_SIZE)
        length = header[0] | header[1] << 8 | header[2] << 16
        return self._exactly(length), length == MAX_PAYLOAD

    def _exactly(self, size: int) -> bytes:
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        if len(data) == size:
            return data
        parts, missing = [data], size - len(data)
        while missing:
            self._buffer = self._receive()
            data = self._buffer[:missing]
            self._at = len(data)
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(BUFFER_BYTES)
        except TimeoutError as error:
            raise ConnectionLost(
                f"the source sent nothing, not even a heartbeat, for {self._timeout_seconds:g} s"
            ) from error
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise ConnectionLost(f"the connection to the source broke: {error}") from error
        if not data:
            raise ConnectionLost("the source closed the connection")
        return data

    def interrupt(self) -> None:
        """Make an iteration that another thread is blocked in raise ConnectionLost."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already


def _event(payload: bytes) -> bytes:
    first = payload[0] if payload else EOF
    if first == OK:
        return payload[1:]
    if first == ERR:
        raise ServerError(int.from_bytes(payload[1:3], "little"), _error_text(payload))
    raise StreamEnded("the source ended the binlog stream")


def _error_text(payload: bytes) -> str:
    text = payload[9:] if payload[3:4] == b"#" else payload[3:]
    return text.decode("utf-8", "replace")
