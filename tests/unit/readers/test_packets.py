from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from pymysql.connections import Connection

from cdc.readers.packets import BUFFER_BYTES, MAX_PAYLOAD, ConnectionLost, PacketStream, ServerError


@pytest.fixture
def link() -> Iterator[tuple[Iterator[bytes], socket.socket]]:
    """A stream of packets, and the socket from which a server would send them."""
    ours, theirs = socket.socketpair()
    connection = Connection(defer_connect=True)
    connection._sock = ours  # type: ignore[attr-defined]
    with ours, theirs:
        yield iter(PacketStream(connection, timeout_seconds=5)), theirs


def packet(payload: bytes, number: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


def send(server: socket.socket, data: bytes) -> None:
    threading.Thread(target=server.sendall, args=(data,), daemon=True).start()


def test_packets_that_arrive_together_are_told_apart(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    server.sendall(packet(b"\0one") + packet(b"\0") + packet(b"\0three"))

    received = [next(stream), next(stream), next(stream)]

    assert received == [b"one", b"", b"three"]


def test_a_packet_may_arrive_in_any_pieces(link: tuple[Iterator[bytes], socket.socket]) -> None:
    stream, server = link
    events = [bytes([number]) * (number * 1_000) for number in range(200)]
    send(server, b"".join(packet(b"\0" + event) for event in events))

    received = [next(stream) for _ in events]

    assert received == events


def test_an_event_larger_than_a_packet_is_put_together(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    event = b"x" * MAX_PAYLOAD + b"the end of a long event"
    payload = b"\0" + event
    first, rest = payload[:MAX_PAYLOAD], payload[MAX_PAYLOAD:]
    send(server, packet(first) + packet(rest, 1) + packet(b"\0next"))

    received = [next(stream), next(stream)]

    assert received == [event, b"next"]


def test_an_event_that_fills_a_packet_is_ended_by_an_empty_one(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    event = b"x" * (MAX_PAYLOAD - 1)
    send(server, packet(b"\0" + event) + packet(b"", 1) + packet(b"\0next"))

    received = [next(stream), next(stream)]

    assert received == [event, b"next"]


def test_a_header_may_be_cut_by_the_end_of_the_buffer(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    events = [b"x" * (BUFFER_BYTES - 10), b"y", b"z" * 100]
    send(server, b"".join(packet(b"\0" + event) for event in events))

    received = [next(stream) for _ in events]

    assert received == events


def test_an_error_of_the_server_carries_its_number_and_text(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    server.sendall(packet(b"\xff\xd4\x04#HY000purged"))

    with pytest.raises(ServerError) as caught:
        next(stream)

    assert (caught.value.code, caught.value.text[-6:]) == (1236, "purged")


def test_the_end_of_the_stream_is_a_lost_connection(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    server.sendall(packet(b"\xfe\0\0"))

    with pytest.raises(ConnectionLost):
        next(stream)


def test_a_connection_that_closes_inside_a_packet_is_lost(
    link: tuple[Iterator[bytes], socket.socket],
) -> None:
    stream, server = link
    server.sendall(packet(b"\0whole") + packet(b"\0half of it")[:7])
    server.close()

    assert next(stream) == b"whole"
    with pytest.raises(ConnectionLost):
        next(stream)
