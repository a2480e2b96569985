"""Runs a SELECT by the binary protocol: its rows as the server sends them, packet by packet.

PyMySQL has no prepared statements. Formats: COM_STMT_PREPARE, COM_STMT_EXECUTE and "Binary Protocol
Resultset" of https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_ps.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pymysql
from pymysql.constants import COMMAND

from cdc.errors import Retryable
from cdc.model.table_map import FieldType
from cdc.native import RowImages
from cdc.readers.server.connection import SourceConnection, close_connection
from cdc.readers.server.driver_errors import explain
from cdc.readers.server.packets import (
    EOF,
    ERR,
    FIRST_NUMBER,
    HEADER_SIZE,
    LAST,
    MAX_PAYLOAD,
    OK,
    ONE,
    ConnectionLost,
    Garbled,
)
from cdc.readers.server.varint import packed

BUFFER_BYTES: Final = 1 << 18
EOF_SIZE: Final = 9
"""A packet that begins with 0xFE and is shorter is an EOF packet."""

_EXECUTE: Final = struct.Struct("<IBI")
_NUMBER: Final = struct.Struct("<I")
_PREPARED: Final = struct.Struct("<xIHH")

_TYPE_AT: Final = -6
"""The offset of a column's type in its definition, from the end."""
_SIZES: Final[dict[int, int]] = {
    FieldType.TINY: 1,
    FieldType.SHORT: 2,
    FieldType.YEAR: 2,
    FieldType.INT24: 4,
    FieldType.LONG: 4,
    FieldType.LONGLONG: 8,
    FieldType.FLOAT: 4,
    FieldType.DOUBLE: 8,
}

Take = Callable[[tuple[bytes, ...]], None]
Convert = Callable[[bytes, int, int, Take], None]
"""Converts a row: (bytes, offset of its null bitmap in them, offset behind it, consumer of its
parts). A row that is damaged may raise any error of its values, and Uneven.
"""


class Uneven(ValueError):
    """A row does not end where its last column does."""


class Unexpected(Retryable):
    """The columns of a SELECT are not of the types that they were."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows of a result, and the last row, from its null bitmap on, if there was one.

    `complete` is False if the result was abandoned because of its size.
    """

    count: int
    last: bytes | None
    complete: bool


def select(
    connection: SourceConnection,
    statement: str,
    *,
    sizes: Sequence[int],
    converters: Mapping[bytes, Convert],
    take: Take,
    max_bytes: int,
    at_once: RowImages | None = None,
) -> Rows:
    """Run a SELECT; convert each row by its null bitmap.

    `at_once` converts as `converters` do, but many rows in one call, and gives `take` their images
    in one piece. `sizes` are the bytes that each column's values must have, 0 if a length comes
    first; raises Unexpected if the server announces anything else. Reading stops behind the row
    with which the packets exceed `max_bytes`; the rest is abandoned, and the connection closed.
    Raises also what `connection.query` does.
    """
    channel = _Channel(connection)
    try:
        with _shaped(connection):
            number = channel.prepare(statement)
        try:
            with _shaped(connection):
                channel.execute(number, sizes)
                rows = channel.rows(converters, take, bitmap_size(len(sizes)), max_bytes, at_once)
        except pymysql.MySQLError:
            channel.send(COMMAND.COM_STMT_CLOSE, _NUMBER.pack(number))
            raise
        if rows.complete:
            channel.send(COMMAND.COM_STMT_CLOSE, _NUMBER.pack(number))
        else:
            close_connection(connection)
        return rows
    except pymysql.MySQLError as error:
        raise explain(error, connection.where) from error
    except BaseException:
        close_connection(connection)  # whatever the error, an answer may be left half read
        raise


@contextmanager
def _shaped(connection: SourceConnection) -> Iterator[None]:
    """Raise Garbled if an answer does not have its expected form."""
    try:
        yield
    except (ArithmeticError, LookupError, ValueError, struct.error) as error:
        raise Garbled.of(error, connection.where) from error


def bitmap_size(columns: int) -> int:
    """Return the size of a row's null bitmap, whose lowest two bits mean nothing."""
    return (columns + 9) // 8


class _Channel:
    """Sends commands and reads answers on the socket of an idle connection.

    PyMySQL's own buffer is empty then, and at the end of an answer this one is.
    """

    def __init__(self, connection: SourceConnection) -> None:
        self._connection = connection
        self._socket = connection.raw_socket
        self._data = b""
        self._at = 0
        self._number = 0
        self._last: bytes | None = None

    def send(self, command: int, payload: bytes) -> None:
        """Send one command."""
        self._connection.send_command(command, payload)
        self._number = FIRST_NUMBER * ONE

    def prepare(self, statement: str) -> int:
        """Prepare the statement; return its number."""
        self.send(COMMAND.COM_STMT_PREPARE, statement.encode())
        number, columns, parameters = _PREPARED.unpack_from(self._answer())
        for count in (parameters, columns):
            self._sizes(count)
        return int(number)

    def execute(self, number: int, sizes: Sequence[int]) -> None:
        """Start a prepared statement's result, up to its first row."""
        self.send(COMMAND.COM_STMT_EXECUTE, _EXECUTE.pack(number, 0, 1))
        columns, _ = packed(self._answer(), 0)
        if self._sizes(columns) != [*sizes]:
            raise Unexpected

    def _sizes(self, count: int) -> list[int]:
        """Read the definitions of `count` columns; return the sizes of their values."""
        types = [self._answer()[_TYPE_AT] for _ in range(count)]
        if count:
            self._answer()  # an EOF packet closes them
        return [_SIZES.get(each, 0) for each in types]

    def _answer(self) -> bytes:
        payload = self._payload()
        if not payload:
            raise ConnectionLost("the source answered with an empty packet")
        if payload[0] == ERR:
            pymysql.err.raise_mysql_exception(payload)
        return payload

    def rows(
        self,
        converters: Mapping[bytes, Convert],
        take: Take,
        bitmap: int,
        max_bytes: int,
        at_once: RowImages | None,
    ) -> Rows:
        """Convert rows until the result ends, or their packets exceed `max_bytes`."""
        count = 0
        while max_bytes >= 0:
            if at_once is None:
                more, size = self._buffered(converters, take, bitmap, max_bytes)
            else:
                more, size = self._at_once(at_once, take, max_bytes)
            count += more
            max_bytes -= size
            if max_bytes < 0:
                break
            payload = self._answer()
            if payload[0] == EOF and len(payload) < EOF_SIZE:
                return Rows(count, self._last, complete=True)
            if payload[0] != OK:
                raise ConnectionLost("the source answered a SELECT with something that is no row")
            row = self._last = payload[1:]
            converters[row[:bitmap]](row, 0, len(row), take)
            count += 1
            max_bytes -= HEADER_SIZE + len(payload)
        return Rows(count, self._last, complete=False)

    def _buffered(
        self, converters: Mapping[bytes, Convert], take: Take, bitmap: int, max_bytes: int
    ) -> tuple[int, int]:
        """Convert the rows that lie wholly in the buffer; return how many, and their bytes."""
        data, begin, whole = self._data, self._at, len(self._data)
        header, at, row, count = _NUMBER.unpack_from, begin, -1, 0
        number = self._number
        while at + HEADER_SIZE < whole and at - begin <= max_bytes:
            size = header(data, at)[0] - number  # none, if the number is wrong
            end = at + HEADER_SIZE + size
            if end > whole or not 0 < size < MAX_PAYLOAD or data[at + HEADER_SIZE]:
                break
            number = number + ONE if number < LAST else 0
            row = at + HEADER_SIZE + 1
            converters[data[row : row + bitmap]](data, row, end, take)
            count += 1
            at = end
        if count:
            self._last = data[row:at]
        self._at, self._number = at, number
        return count, at - begin

    def _at_once(self, images: RowImages, take: Take, max_bytes: int) -> tuple[int, int]:
        """Convert the rows that lie wholly in the buffer, up to the first that is not ordinary."""
        data, begin = self._data, self._at
        found, count, row, at, number = images.read(data, begin, self._number, max_bytes)
        if count:
            take((found,))
            self._last = data[row:at]
        self._at, self._number = at, number
        return count, at - begin

    def _payload(self) -> bytes:
        parts, size = [], MAX_PAYLOAD
        while size == MAX_PAYLOAD:
            [header] = _NUMBER.unpack(self._exactly(HEADER_SIZE))
            size = header - self._number
            if not 0 <= size <= MAX_PAYLOAD:
                raise ConnectionLost("a packet of the source's answer has not the next number")
            self._number = self._number + ONE if self._number < LAST else 0
            parts.append(self._exactly(size))
        return b"".join(parts)

    def _exactly(self, size: int) -> bytes:
        have = len(self._data) - self._at
        if have < size:
            parts = [self._data[self._at :]]
            while have < size:
                parts.append(self._receive())
                have += len(parts[-1])
            self._data, self._at = b"".join(parts), 0
        start, self._at = self._at, self._at + size
        return self._data[start : self._at]

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(BUFFER_BYTES)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise ConnectionLost(f"the connection to the source broke: {error}") from error
        if not data:
            raise ConnectionLost("the source closed the connection")
        return data
