"""Reads GTID events outside the stream: a transaction's name and its first commit time.

A transaction keeps the time of its first commit wherever it is replicated to: MySQL in a field of
its own (`original_commit_timestamp`), MariaDB in the event's header.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cdc.readers.binlog import events
from cdc.readers.binlog.events import HEADER_SIZE, Event, EventType, Gtid, MariadbGtid

_NUMBERED: Final[dict[int, Callable[[Event], Gtid | MariadbGtid]]] = {
    EventType.GTID: events.gtid,
    EventType.GTID_TAGGED: events.tagged_gtid,
    EventType.MARIADB_GTID: events.mariadb_gtid,
}
_ORIGINAL_AT: Final = HEADER_SIZE + 42 + 7
_TIME_BYTES: Final = 7
_TIME_BITS: Final = 55


def read(event: Event) -> Gtid | MariadbGtid | None:
    """Return a GTID event's GTID; None for any other event, and for an anonymous transaction."""
    reader = _NUMBERED.get(event.type)
    return reader and reader(event)


def is_same(one: Event, other: Event) -> bool:
    """Return whether two events are the same, checksums aside."""
    return (
        one.type == other.type
        and one.timestamp == other.timestamp
        and one.server_id == other.server_id
        and one.data[HEADER_SIZE:] == other.data[HEADER_SIZE:]
    )


def first_committed_at(event: Event) -> float:
    """Return when the transaction was first committed, on any server, in seconds since the epoch.

    MySQL has microseconds, MariaDB seconds; 0 if the event does not say.
    """
    if event.type == EventType.MARIADB_GTID:
        return float(event.timestamp)
    if event.type == EventType.GTID_TAGGED:
        return events.tagged_original(event) / 1e6
    times = event.data[_ORIGINAL_AT - _TIME_BYTES : _ORIGINAL_AT + _TIME_BYTES]
    immediate = int.from_bytes(times[:_TIME_BYTES], "little")
    if immediate >> _TIME_BITS:  # another one follows
        return int.from_bytes(times[_TIME_BYTES:], "little") / 1e6
    return immediate / 1e6
