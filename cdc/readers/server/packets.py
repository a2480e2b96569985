"""The server's packets, read straight from the connection's socket.

Format: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING, Final, Self

from cdc.errors import CdcError, Corrupted, Retryable, raised

if TYPE_CHECKING:
    from cdc.readers.server.raw_connection import RawConnection

BUFFER_BYTES: Final = 1 << 18
HEADER_SIZE: Final = 4
MAX_PAYLOAD: Final = 0xFFFFFF
"""A payload of this length continues in the next packet."""

FIRST_NUMBER: Final = 1
"""The number of an answer's first packet; the command was 0, and 0 follows 255."""

OK: Final = 0x00
EOF: Final = 0xFE
ERR: Final = 0xFF

SHORT_BYTES: Final = 1 << 16
"""No ERR and no EOF packet is as long."""

LEAST_BYTES_A_SECOND: Final = 1 << 14
"""The slowest rate at which an event may arrive."""

ONE: Final = 1 << 24
"""One, as a packet's number in its header."""
LAST: Final = 255 * ONE
_SIZE_AT: Final = 10
"""The offset of an event's size: behind the OK byte, time, type and server id."""
_EVENT_HEADER: Final = 20
"""The size of an OK byte and an event's header."""

_read_length = struct.Struct("<I").unpack_from  # three bytes, and the packet's number


class ConnectionLost(Retryable):
    """The connection to the source broke."""


class StreamEnded(ConnectionLost):
    """The source has sent all that it was asked for."""


class Garbled(Retryable):
    """The source's answer was damaged on its way, or what answers is no MySQL."""

    @classmethod
    def of(cls, error: Exception, where: str) -> Self:
        """Return the error for an answer of `where` that raised `error`."""
        return cls(
            f"the answer of the source {where} cannot be understood ({raised(error)}): it was"
            " damaged on its way, or what answers there is no MySQL",
            remedy="check source.host and source.port; damage is detected with source.tls:"
            " required",
        )


class ServerError(CdcError):
    """The source answered a request with an error."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the server's error number beside its text."""
        self.code = code
        self.text = text
        super().__init__(f"the source says: {text} (error {code})")


class PacketStream:
    """What the server sends after a dump command, packet by packet.

    PyMySQL's own packet reader costs three times as much (its bookkeeping of result sets), so the
    bytes are read here, from the socket that it opened. A packet is accepted if its number follows
    the last one's and its length is that in its event's header. A wrong length would be filled up
    with what comes next, such as heartbeats, and nobody would notice for hours.
    """

    def __init__(
        self,
        connection: RawConnection,
        *,
        timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over `connection`, which nothing else may read any more.

        `clock` counts seconds.
        """
        self._socket = connection.raw_socket
        self._socket.settimeout(timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._buffer = b""
        self._at = 0
        self._number = FIRST_NUMBER * ONE
        self._late_at = inf

    def __iter__(self) -> Iterator[bytes]:
        """Yield each event: a packet's payload without its leading OK byte.

        Raises ConnectionLost when the link breaks, stays silent longer than the timeout, or takes
        too long for an event; ServerError when the server ends the stream with an error; and
        Corrupted if packets do not fit together.
        """
        while True:
            yield from self._buffered()
            yield _event(self._payload())

    def _buffered(self) -> Iterator[bytes]:
        """Yield events for as long as the buffer holds a whole one in one packet."""
        while True:
            buffer, at, number = self._buffer, self._at, self._number
            start = at + HEADER_SIZE
            if start >= len(buffer) or buffer[start] != OK:
                return
            length = _read_length(buffer, at)[0] - number  # none, if the number is wrong
            end = start + length
            if end > len(buffer) or not 0 < length < MAX_PAYLOAD:
                return
            self._at, self._number = end, number + ONE if number < LAST else 0
            yield buffer[start + 1 : end]

    @property
    def buffered(self) -> tuple[bytes, int, int]:
        """What was received, where the next packet begins in it, and that packet's number.

        The number is as the packet's header holds it, in the highest byte.
        """
        return self._buffer, self._at, self._number

    def go_on_at(self, at: int, number: int) -> None:
        """Go on at another packet of what was received."""
        self._at, self._number = at, number

    def _payload(self) -> bytes:
        self._late_at = inf
        length = self._length()
        self._late_at = self._clock() + self._timeout_seconds
        head = self._exactly(min(length, _EVENT_HEADER))
        missing = _whole(head, length)
        self._late_at += missing / LEAST_BYTES_A_SECOND
        parts = [head, self._exactly(length - len(head))]
        while length == MAX_PAYLOAD:
            missing -= length
            length = self._length()
            if length != min(missing, MAX_PAYLOAD):
                raise Corrupted(f"a packet has {length} bytes of an event that lacks {missing}")
            parts.append(self._exactly(length))
        return b"".join(parts)

    def _length(self) -> int:
        """Read a packet's header, and return the length of its payload."""
        [header] = _read_length(self._exactly(HEADER_SIZE))
        length: int = header & MAX_PAYLOAD
        if header - length == self._number:
            self._number = self._number + ONE if self._number < LAST else 0
        elif header - length or self._exactly(1)[0] != ERR:
            wrong, right = header >> 24, self._number >> 24
            raise Corrupted(f"a packet has the number {wrong}, and {right} was to follow")
        else:
            self._at -= 1  # MariaDB restarts the count when it announces its shutdown
        return length

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
        if self._clock() > self._late_at:
            raise ConnectionLost(
                f"an event arrives at less than {LEAST_BYTES_A_SECOND} bytes a second"
            )
        return data

    def interrupt(self) -> None:
        """Make an iteration that blocks in another thread raise ConnectionLost."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already


def _whole(head: bytes, length: int) -> int:
    """Return the size of a payload over all its packets, by the head of the first."""
    if not head or head[0] != OK:
        if length > SHORT_BYTES:
            raise Corrupted(f"a packet that is no event has {length} bytes")
        return length
    if len(head) < _EVENT_HEADER:
        return length  # of no event: its reader says so
    whole = 1 + int(_read_length(head, _SIZE_AT)[0])
    if whole != length and not whole >= length == MAX_PAYLOAD:
        raise Corrupted(f"an event of {whole - 1} bytes came in a packet for one of {length - 1}")
    return whole


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
