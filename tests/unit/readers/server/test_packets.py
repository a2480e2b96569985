from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from cdc.errors import Corrupted
from cdc.readers.binlog.events import parse
from cdc.readers.server.packets import (
    BUFFER_BYTES,
    MAX_PAYLOAD,
    ConnectionLost,
    PacketStream,
    ServerError,
)
from cdc.readers.server.raw_connection import RawConnection

Link = tuple[Iterator[bytes], socket.socket]
HEADER = 19


@pytest.fixture
def link() -> Iterator[Link]:
    """A stream of packets, and the socket from which a server would send them."""
    ours, theirs = socket.socketpair()
    held = connection(ours)  # which would close the socket with its own end
    with ours, theirs:
        yield iter(PacketStream(held, timeout_seconds=5)), theirs


def connection(ours: socket.socket) -> RawConnection:
    made = RawConnection(defer_connect=True)
    made._sock = ours  # type: ignore[attr-defined]
    return made


def event(body: bytes) -> bytes:
    """An event whose header tells nothing but its size."""
    size = HEADER + len(body)
    return bytes(9) + size.to_bytes(4, "little") + bytes(6) + body


def packet(payload: bytes, number: int) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


def sent(*payloads: bytes) -> bytes:
    """Packets that follow each other, the first of them the first of an answer."""
    return b"".join(map(packet, payloads, count(1)))


def send(server: socket.socket, data: bytes) -> None:
    def send_on() -> None:
        with contextlib.suppress(OSError):  # the reader has given up
            server.sendall(data)

    threading.Thread(target=send_on, daemon=True).start()


def damaged(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def read(stream: Iterator[bytes], count: int) -> list[bytes | None]:
    """Events as they are parsed, up to one that is damaged: None in its place."""
    received: list[bytes | None] = []
    try:
        for _ in range(count):
            data = next(stream)
            parse(data, checksum=False)
            received.append(data)
    except Corrupted:
        received.append(None)
    return received


def test_packets_that_arrive_together_are_told_apart(link: Link) -> None:
    stream, server = link
    server.sendall(sent(b"\0one", b"\0", b"\0three"))

    received = [next(stream), next(stream), next(stream)]

    assert received == [b"one", b"", b"three"]


def test_a_packet_may_arrive_in_any_pieces_and_numbers_go_round(link: Link) -> None:
    stream, server = link
    events = [event(bytes([number % 256]) * (number * 500)) for number in range(300)]
    send(server, sent(*(b"\0" + each for each in events)))

    received = [next(stream) for _ in events]

    assert received == events


def test_an_event_larger_than_a_packet_is_put_together(link: Link) -> None:
    stream, server = link
    long = event(b"x" * MAX_PAYLOAD + b"the end of a long event")
    payload = b"\0" + long
    send(server, sent(payload[:MAX_PAYLOAD], payload[MAX_PAYLOAD:], b"\0next"))

    received = [next(stream), next(stream)]

    assert received == [long, b"next"]


def test_an_event_that_fills_a_packet_is_ended_by_an_empty_one(link: Link) -> None:
    stream, server = link
    long = event(b"x" * (MAX_PAYLOAD - 1 - HEADER))
    send(server, sent(b"\0" + long, b"", b"\0next"))

    received = [next(stream), next(stream)]

    assert received == [long, b"next"]


def test_a_header_may_be_cut_by_the_end_of_the_buffer(link: Link) -> None:
    stream, server = link
    events = [event(b"x" * (BUFFER_BYTES - 10 - HEADER)), b"y", event(b"z" * 100)]
    send(server, sent(*(b"\0" + each for each in events)))

    received = [next(stream) for _ in events]

    assert received == events


def test_an_error_of_the_server_carries_its_number_and_text(link: Link) -> None:
    stream, server = link
    server.sendall(sent(b"\xff\xd4\x04#HY000purged"))

    with pytest.raises(ServerError) as caught:
        next(stream)

    assert (caught.value.code, caught.value.text[-6:]) == (1236, "purged")


def test_an_error_may_be_counted_anew(link: Link) -> None:
    """MariaDB does so where it shuts down."""
    stream, server = link
    server.sendall(sent(b"\0one", b"\0two") + packet(b"\xff\x1d\x04#08S01bye", 0))

    assert [next(stream), next(stream)] == [b"one", b"two"]
    with pytest.raises(ServerError, match="bye"):
        next(stream)


def test_the_end_of_the_stream_is_a_lost_connection(link: Link) -> None:
    stream, server = link
    server.sendall(sent(b"\xfe\0\0"))

    with pytest.raises(ConnectionLost):
        next(stream)


def test_a_connection_that_closes_inside_a_packet_is_lost(link: Link) -> None:
    stream, server = link
    server.sendall(sent(b"\0whole") + packet(b"\0half of it", 2)[:7])
    server.close()

    assert next(stream) == b"whole"
    with pytest.raises(ConnectionLost):
        next(stream)


@pytest.mark.parametrize("bit", range(32))
def test_a_bit_that_is_flipped_in_a_packets_header_is_noticed_at_once(link: Link, bit: int) -> None:
    """Whatever the length becomes, nothing is waited for."""
    stream, server = link
    whole = sent(*(b"\0" + event(b"heartbeat") for _ in range(4)))
    second = len(whole) // 4
    server.sendall(damaged(whole, second + bit // 8, bit % 8))

    received = read(stream, count=4)

    assert received == [event(b"heartbeat"), None]


@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: sent(payload[:MAX_PAYLOAD], payload[MAX_PAYLOAD:-1]),
        lambda payload: sent(payload[:MAX_PAYLOAD], payload[MAX_PAYLOAD:] + b"?"),
        lambda payload: sent(payload[:MAX_PAYLOAD]) + packet(payload[MAX_PAYLOAD:], 3),
    ],
    ids=["too short", "too long", "wrong number"],
)
def test_the_packets_of_a_large_event_must_fit_together(
    link: Link, damage: Callable[[bytes], bytes]
) -> None:
    stream, server = link
    send(server, damage(b"\0" + event(b"x" * (MAX_PAYLOAD + 1000))))

    with pytest.raises(Corrupted):
        next(stream)


def test_a_long_packet_that_is_no_event_is_not_waited_for(link: Link) -> None:
    stream, server = link
    server.sendall(packet(b"\xfe" * 100_000, 1)[:200])

    with pytest.raises(Corrupted):
        next(stream)


def test_an_event_that_trickles_in_is_given_up() -> None:
    """The bytes come often enough for the timeout of each, and would never be enough."""
    ours, theirs = socket.socketpair()
    passed = iter([0.0, 1.0, 2.0, *([6000.0] * 1000)])
    held = connection(ours)
    with ours, theirs:
        stream = PacketStream(held, timeout_seconds=5, clock=lambda: next(passed))
        send(theirs, packet(b"\0" + event(b"x" * (1 << 20)), 1))

        with pytest.raises(ConnectionLost, match="bytes a second"):
            next(iter(stream))
