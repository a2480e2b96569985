from __future__ import annotations

import struct

import pytest

from cdc.readers.binlog import gtid_events
from cdc.readers.binlog.events import Event, EventType, without_checksum
from tests.unit.readers.binlog.support import binlog_bytes as binlog

MICROSECONDS = 1_700_000_000_123_456
NUMBERED = b"\0" + binlog.SERVER.bytes + struct.pack("<QBQQ", 7, 2, 0, 1)
ANOTHER_FOLLOWS = 1 << 55


def mysql_gtid(*times: int) -> Event:
    return binlog.event(EventType.GTID, _with_times(*times))


def _with_times(*times: int) -> bytes:
    return NUMBERED + b"".join(time.to_bytes(7, "little") for time in times)


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        (mysql_gtid(MICROSECONDS), MICROSECONDS / 1e6),
        (mysql_gtid(MICROSECONDS + 50 | ANOTHER_FOLLOWS, MICROSECONDS), MICROSECONDS / 1e6),
        (mysql_gtid(MICROSECONDS | ANOTHER_FOLLOWS, 0), 0),
        (mysql_gtid(), 0),
        (binlog.mariadb_gtid(7), binlog.TIMESTAMP),
    ],
    ids=["on its server", "on a replica", "from an old server", "of an old server", "mariadb"],
)
def test_a_transaction_keeps_the_time_of_its_first_commit(event: Event, seconds: float) -> None:
    assert gtid_events.first_committed_at(event) == seconds


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (mysql_gtid(MICROSECONDS), 0),
        (mysql_gtid(), 0),
        (binlog.event(EventType.GTID, _with_times(MICROSECONDS) + b"\xfa"), 250),
        (
            binlog.event(
                EventType.GTID,
                _with_times(MICROSECONDS | ANOTHER_FOLLOWS, MICROSECONDS) + b"\xfc\x00\x02",
            ),
            512,
        ),
        (binlog.mariadb_gtid(7), 0),
    ],
    ids=["not told", "of an old server", "on its server", "on a replica", "mariadb"],
)
def test_a_transaction_tells_its_size(event: Event, size: int) -> None:
    assert gtid_events.transaction_size(event.data) == size


@pytest.mark.parametrize(
    ("event", "times"),
    [
        (
            mysql_gtid(MICROSECONDS + 50 | ANOTHER_FOLLOWS, MICROSECONDS),
            (MICROSECONDS / 1e6, MICROSECONDS / 1e6),
        ),
        (mysql_gtid(), (5.0, 5.0)),
        (binlog.mariadb_gtid(7), (binlog.TIMESTAMP, 5.0)),
    ],
    ids=["on a replica", "of an old server", "mariadb"],
)
def test_a_history_keeps_when_it_was_first_committed_and_what_is_believed_of_it(
    event: Event, times: tuple[float, float]
) -> None:
    assert gtid_events.times_kept(event.data, 5.0) == times


def test_a_history_keeps_when_a_transaction_of_mariadb_began_which_is_so_on_each_host() -> None:
    event = binlog.mariadb_gtid(7)

    assert gtid_events.times_kept(event.data, 5.0, 3) == (3, 5.0)


def test_a_gtid_is_named_by_the_bytes_of_its_event() -> None:
    assert gtid_events.name_of(binlog.mariadb_gtid(7).data) == str(
        gtid_events.mariadb_gtid(binlog.mariadb_gtid(7))
    )
    assert gtid_events.name_of(b"") is None


def test_an_event_is_the_same_whether_it_had_a_checksum_or_not() -> None:
    stored = without_checksum(mysql_gtid(MICROSECONDS).data)
    plain = stored._replace(size=stored.size - 4, end=4711)

    assert gtid_events.is_same(stored, plain)


@pytest.mark.parametrize(
    "other",
    [
        mysql_gtid(MICROSECONDS + 1),
        mysql_gtid(MICROSECONDS)._replace(timestamp=binlog.TIMESTAMP + 1),
        mysql_gtid(MICROSECONDS)._replace(server_id=2),
        binlog.xid(),
    ],
    ids=["commit time", "timestamp", "server", "type"],
)
def test_events_of_two_transactions_differ(other: Event) -> None:
    assert not gtid_events.is_same(mysql_gtid(MICROSECONDS), other)


def test_events_without_a_gtid_are_nobodys() -> None:
    assert gtid_events.read(binlog.xid()) is None
    assert gtid_events.read(binlog.anonymous()) is None
