"""Reads a stream of binlog events from packets, as `BinlogReader` does, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from cdc.errors import CdcError
from cdc.model.transaction import RowsEvent, Transaction
from cdc.readers.binlog import events
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc.readers.server.packets import ConnectionLost, PacketStream
from tests.support.runs import one_by_one


def packet(event: bytes, number: int) -> bytes:
    """A packet of one event, which is shorter than a packet may be."""
    return (1 + len(event)).to_bytes(3, "little") + bytes([number % 256, 0]) + event


def packets(stream: Iterable[bytes]) -> bytes:
    """Packets that follow each other, the first of them the first of an answer."""
    return b"".join(map(packet, stream, count(1)))


def in_pieces(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The data in pieces of these sizes, and what is left."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in (*pieces, data[at:]) if piece]


@dataclass(frozen=True)
class Outcome:
    """What was read, in a form that compares by value, and what ended it."""

    transactions: list[tuple[Any, ...]]
    place: tuple[str, int]
    error: str


def outcome(
    received: Sequence[bytes], assembler: TransactionAssembler, *, checksum: bool
) -> Outcome:
    """Read what a source sent, piece by piece, until its end or an error."""
    stream = PacketStream(cast(Any, EndingConnection(received)), timeout_seconds=1)
    found: list[tuple[Any, ...]] = []
    try:
        found.extend(map(_comparable, _transactions(stream, assembler, checksum=checksum)))
    except ConnectionLost:
        return Outcome(found, assembler.place, "")
    except CdcError as error:
        return Outcome(found, ("", 0), f"{type(error).__name__}: {error} at {error.position}")
    raise AssertionError("a stream ends by an error only")


def _transactions(
    stream: PacketStream, assembler: TransactionAssembler, *, checksum: bool
) -> Iterator[Transaction]:
    for data in stream:
        yield from completed(data, stream, assembler, checksum=checksum)


def completed(
    data: bytes, stream: PacketStream, assembler: TransactionAssembler, *, checksum: bool
) -> Iterator[Transaction]:
    """Yield what an event completes, and what can be read at once behind it, as BinlogReader."""
    event = events.parse(data, checksum=checksum)
    transaction = assembler.feed(event)
    if transaction is not None:
        yield transaction
        yield from one_by_one(assembler.read_ahead(stream, checksum=checksum))
    elif event.type == EventType.TRANSACTION_PAYLOAD:
        yield from assembler.unpack(event)


def _comparable(transaction: Transaction) -> tuple[Any, ...]:
    changes = [
        (change.table.name, *change[1:]) if isinstance(change, RowsEvent) else change
        for change in transaction.changes
    ]
    return (*transaction._replace(changes=()), changes)


class EndingConnection:
    """A connection on which everything has arrived already, and that ends then."""

    def __init__(self, received: Sequence[bytes]) -> None:
        self._received = iter(received)
        self.raw_socket = self

    def settimeout(self, _: float) -> None:
        """Do nothing: nothing is waited for."""

    def recv(self, _: int) -> bytes:
        return next(self._received, b"")
