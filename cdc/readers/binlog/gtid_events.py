"""GTID events: a transaction's name, and when it was committed, here and first.

A transaction keeps the time of its first commit wherever it is replicated to: MySQL in a field of
its own (`original_commit_timestamp`), MariaDB in the event's header.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Final, NamedTuple

from cdc.model.position import TAG, Source
from cdc.readers.binlog.events import HEADER_SIZE, Event, EventType, without_checksum
from cdc.readers.server.varint import packed, serialized


class Gtid(NamedTuple):
    """A MySQL transaction's GTID; `number` is 0 for an anonymous one.

    `committed_at` is in seconds since the epoch, with microseconds; 0.0 if the server is too
    old to say.
    """

    source: Source
    number: int
    committed_at: float

    def __str__(self) -> str:
        return f"{self.source}:{self.number}"


_read_gtid = struct.Struct("<x16sQ").unpack_from
_read_uint64 = struct.Struct("<Q").unpack_from
_TIME_BYTES: Final = 7
_TIME_BITS: Final = 55
"""The bit above them says that another time follows: of the first commit, elsewhere."""
_TIME_MASK: Final = (1 << _TIME_BITS) - 1
_TIME_END: Final = HEADER_SIZE + 42 + _TIME_BYTES


def gtid(event: Event) -> Gtid:
    """Read a GTID or ANONYMOUS_GTID event (`Gtid_event` in `control_events.h`)."""
    data = event.data
    raw, number = _read_gtid(data, HEADER_SIZE)
    committed = 0
    if len(data) >= _TIME_END:
        committed = _read_uint64(data, _TIME_END - 8)[0] >> 8 & _TIME_MASK
    return Gtid(source(raw), number, committed / 1e6)


@lru_cache(maxsize=256)
def source(raw: bytes) -> Source:
    """Return the source of a UUID's 16 bytes."""
    return Source(_uuid(raw))


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class _TaggedField(IntEnum):
    FLAGS = 0
    UUID = 1
    NUMBER = 2
    TAG = 3
    LAST_COMMITTED = 4
    SEQUENCE_NUMBER = 5
    COMMITTED_AT = 6
    FIRST_COMMITTED_AT = 7
    SIZE = 8


def tagged_gtid(event: Event) -> Gtid:
    """Read a GTID_TAGGED event, a message of MySQL's serialization library.

    The message is its version, its size, the last field that may not be ignored, then fields, each
    a number and a value, in the order of their numbers. UUID bytes are integers of their own; the
    transaction number is signed, its sign in the lowest bit.
    """
    gtid, _ = _tagged(event, _TaggedField.COMMITTED_AT)
    return gtid


def tagged_original(event: Event) -> int:
    """Return the first commit time of a GTID_TAGGED event's transaction, on any server, in µs."""
    gtid, first = _tagged(event, _TaggedField.FIRST_COMMITTED_AT)
    return first or round(gtid.committed_at * 1e6)


def transaction_size(data: bytes) -> int:
    """Return the bytes of a MySQL transaction in its log, by its GTID event without checksum.

    0 if the server is too old to say.
    """
    event = without_checksum(data)
    if event.type == EventType.GTID_TAGGED:
        return _tagged(event, _TaggedField.SIZE)[1]
    if event.type not in (EventType.GTID, EventType.ANONYMOUS_GTID) or len(data) < _TIME_END:
        return 0
    has_another = _read_uint64(data, _TIME_END - 8)[0] >> 8 >> _TIME_BITS
    at = _TIME_END + (_TIME_BYTES if has_another else 0)
    return packed(data, at)[0] if at < len(data) else 0


def _tagged(event: Event, up_to: _TaggedField) -> tuple[Gtid, int]:
    """Read the fields up to one; return the GTID and the value of that one, or 0."""
    data, at = event.data, HEADER_SIZE
    for _ in range(3):
        _, at = serialized(data, at)
    raw, tag, numbers, kind = bytearray(), "", dict[int, int](), 0
    while at < len(data) and kind < up_to:
        kind, at = serialized(data, at)
        if kind == _TaggedField.UUID:
            for _ in range(16):
                byte, at = serialized(data, at)
                raw.append(byte)
        elif kind == _TaggedField.TAG:
            size, at = serialized(data, at)
            tag, at = data[at : at + size].decode("ascii"), at + size
        elif kind <= up_to:
            numbers[kind], at = serialized(data, at)
    if tag and not TAG.fullmatch(tag):
        raise ValueError("no GTID has such a tag")
    number = numbers.get(_TaggedField.NUMBER, 0) >> 1
    committed = numbers.get(_TaggedField.COMMITTED_AT, 0) / 1e6
    gtid = Gtid(Source(_uuid(bytes(raw)), tag), number, committed)
    return gtid, numbers.get(up_to, 0)


class MariadbGtidFlag(IntFlag):
    """Flags of MariaDB's GTID event."""

    STANDALONE = 1
    GROUP_COMMIT_ID = 2
    TRANSACTIONAL = 4
    DDL = 32
    PREPARED_XA = 64
    COMPLETED_XA = 128


class MariadbGtid(NamedTuple):
    """A MariaDB transaction's GTID and what kind of transaction it opens."""

    domain: int
    server_id: int
    sequence: int
    flags: MariadbGtidFlag

    def __str__(self) -> str:
        return f"{self.domain}-{self.server_id}-{self.sequence}"


def mariadb_gtid(event: Event) -> MariadbGtid:
    """Read MariaDB's GTID event."""
    sequence, domain, flags = struct.unpack_from("<QIB", event.data, HEADER_SIZE)
    return MariadbGtid(domain, event.server_id, sequence, MariadbGtidFlag(flags))


_NUMBERED: Final[dict[int, Callable[[Event], Gtid | MariadbGtid]]] = {
    EventType.GTID: gtid,
    EventType.GTID_TAGGED: tagged_gtid,
    EventType.MARIADB_GTID: mariadb_gtid,
}


def read(event: Event) -> Gtid | MariadbGtid | None:
    """Return a GTID event's GTID; None for any other event, and for an anonymous transaction."""
    reader = _NUMBERED.get(event.type)
    return reader and reader(event)


def name_of(data: bytes) -> str | None:
    """Return the GTID in a GTID event's bytes, as text; None if they are none's."""
    found = read(without_checksum(data)) if data else None
    return None if found is None else str(found)


def is_same(one: Event, other: Event) -> bool:
    """Return whether two events are the same, checksums aside."""
    return (
        one.type == other.type
        and one.timestamp == other.timestamp
        and one.server_id == other.server_id
        and one.data[HEADER_SIZE:] == other.data[HEADER_SIZE:]
    )


def times_kept(data: bytes, committed_at: float, begun_at: int = 0) -> tuple[float, float]:
    """Return the times that a history keeps of a transaction, by the bytes of its GTID event.

    The first tells it from another with its GTID, and is as every host's log has it: of MariaDB
    when it began, since a replica dates the GTID event of a long statement later. The second is
    when it was first committed, or `committed_at`, the stream's own judgement, where sessions set
    the time.
    """
    event = without_checksum(data)
    logged_at = first_committed_at(event) or committed_at
    if event.type == EventType.MARIADB_GTID:
        return begun_at or logged_at, committed_at
    return logged_at, logged_at


def first_committed_at(event: Event) -> float:
    """Return when the transaction was first committed, on any server, in seconds since the epoch.

    MySQL has microseconds, MariaDB seconds; 0 if the event does not say.
    """
    if event.type == EventType.MARIADB_GTID:
        return float(event.timestamp)
    if event.type == EventType.GTID_TAGGED:
        return tagged_original(event) / 1e6
    times = event.data[_TIME_END - _TIME_BYTES : _TIME_END + _TIME_BYTES]
    immediate = int.from_bytes(times[:_TIME_BYTES], "little")
    if immediate >> _TIME_BITS:  # another one follows
        return int.from_bytes(times[_TIME_BYTES:], "little") / 1e6
    return immediate / 1e6
