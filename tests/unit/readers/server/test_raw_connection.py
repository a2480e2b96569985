"""What cdc uses of PyMySQL's private members is there, and does what it is used for."""

from __future__ import annotations

import inspect
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from pymysql.connections import Connection

from cdc.readers.server.raw_connection import RawConnection

READERS = Path(__file__).parents[4] / "cdc" / "readers"
QUERY = 3
OK_PACKET = b"\x07\0\0\1\0\0\0\2\0\0\0"


@pytest.fixture
def link() -> Iterator[tuple[RawConnection, socket.socket]]:
    """A connection that has logged in, and the server's end of it."""
    ours, theirs = socket.socketpair()
    connection = RawConnection(defer_connect=True)
    connection._sock, connection._rfile = ours, ours.makefile("rb")  # type: ignore[attr-defined]
    connection._current_timeout = None  # type: ignore[attr-defined]
    with ours, theirs:
        yield connection, theirs
        connection.drop()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_execute_command", ["self", "command", "sql"]),
        ("_read_packet", ["self", "packet_type"]),
        ("_force_close", ["self"]),
        ("_process_auth", ["self", "plugin_name", "auth_packet", "handler"]),
    ],
)
def test_pymysql_has_the_methods_that_are_used(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(Connection, name)).parameters) == parameters


def test_pymysql_keeps_a_socket_and_whether_tls_is_on() -> None:
    connection = RawConnection(defer_connect=True)

    assert connection.raw_socket is None
    assert connection.is_encrypted is False


def test_a_command_is_sent_as_a_packet(link: tuple[RawConnection, socket.socket]) -> None:
    connection, server = link

    connection.send_command(QUERY, b"SELECT 1")

    assert server.recv(99) == b"\x09\0\0\0\3SELECT 1"


def test_an_answer_is_read_by_its_packet(link: tuple[RawConnection, socket.socket]) -> None:
    connection, server = link
    connection.send_command(QUERY, b"DO 1")

    server.sendall(OK_PACKET)

    assert connection.read_packet() == OK_PACKET[4:]


def test_the_server_s_error_is_raised(link: tuple[RawConnection, socket.socket]) -> None:
    connection, server = link
    connection.send_command(QUERY, b"DO 1")

    server.sendall(b"\x0d\0\0\1\xff\x48\x04#HY000oops")

    with pytest.raises(pymysql.MySQLError, match="oops"):
        connection.read_answer()


def test_what_is_read_behind_an_answer_comes_from_the_socket(
    link: tuple[RawConnection, socket.socket],
) -> None:
    connection, server = link
    connection.send_command(QUERY, b"DO 1")
    server.sendall(OK_PACKET)
    connection.read_answer()

    server.sendall(b"an event")

    assert connection.raw_socket.recv(99) == b"an event"


def test_a_connection_is_dropped_without_a_farewell(
    link: tuple[RawConnection, socket.socket],
) -> None:
    connection, server = link

    connection.drop()

    assert server.recv(99) == b""


def test_a_login_comes_through_the_hook() -> None:
    class Asked(RawConnection):
        def prove(self, plugin: str, challenge: object, follow: object) -> object:
            return plugin, challenge, callable(follow)

    connection = Asked(defer_connect=True)

    assert connection._process_auth(b"parsec", "challenge") == ("parsec", "challenge", True)


def test_pymysql_s_private_members_are_used_in_one_place() -> None:
    private = re.compile(
        r"\w\._(sock|secure|execute_command|read_packet|force_close|process_auth)\b"
    )

    users = [path.name for path in READERS.rglob("*.py") if private.search(path.read_text())]

    found = [name for name in users if name != "raw_connection.py"]
    assert found == []
