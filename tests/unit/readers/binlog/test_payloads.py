from __future__ import annotations

import tracemalloc

import pytest
import zstandard

from cdc.errors import Corrupted, RefusedEvent
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.payloads import unpack
from tests.unit.readers.binlog.support import binlog_bytes as binlog

ZSTD, NONE = b"\x00", b"\xfc\xff\x00"


def unchecked(event: Event) -> bytes:
    """Return the event as it stands inside a payload: without a checksum."""
    return event.data[:9] + len(event.data).to_bytes(4, "little") + event.data[13:]


INSIDE = b"".join(
    unchecked(event)
    for event in (binlog.query("BEGIN"), binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid())
)


def payload(compression: bytes, data: bytes, said: int = len(INSIDE)) -> Event:
    algorithm = b"\x02" + bytes([len(compression)]) + compression
    size = b"\x03\x03\xfc" + said.to_bytes(2, "little")
    return binlog.event(EventType.TRANSACTION_PAYLOAD, algorithm + size + b"\x00" + data)


@pytest.mark.parametrize(
    ("compression", "data"),
    [(ZSTD, zstandard.compress(INSIDE)), (NONE, INSIDE)],
    ids=["zstd", "none"],
)
def test_the_events_inside_come_out_in_order(compression: bytes, data: bytes) -> None:
    types = [event.type for event in unpack(payload(compression, data))]

    assert types == [
        EventType.QUERY,
        EventType.TABLE_MAP,
        EventType.WRITE_ROWS,
        EventType.XID,
    ]


@pytest.mark.parametrize("cut", [1, 7, 20, 40])
def test_a_payload_that_is_cut_short_is_corruption(cut: int) -> None:
    for damaged in (payload(ZSTD, zstandard.compress(INSIDE)[:-cut]), payload(NONE, INSIDE[:-cut])):
        with pytest.raises(Corrupted):
            list(unpack(damaged))


@pytest.mark.parametrize("compression", [ZSTD, NONE], ids=["zstd", "none"])
@pytest.mark.parametrize("more", [14, 1, -1, -len(unchecked(binlog.xid()))])
def test_a_payload_of_another_size_than_it_says_is_corruption_before_it_commits(
    compression: bytes, more: int
) -> None:
    data = zstandard.compress(INSIDE) if compression == ZSTD else INSIDE
    seen: list[Event] = []

    with pytest.raises(Corrupted):
        seen.extend(unpack(payload(compression, data, len(INSIDE) + more)))

    assert EventType.XID not in {each.type for each in seen}


@pytest.mark.parametrize("size", [0, 1, 2, 4, 5])
def test_a_number_that_does_not_end_with_its_field_is_corruption(size: int) -> None:
    number = b"\xfc" + len(INSIDE).to_bytes(2, "little")
    field = b"\x03" + bytes([size]) + number + b"\x00\x00\x00"

    with pytest.raises(Corrupted):
        list(unpack(binlog.event(EventType.TRANSACTION_PAYLOAD, field + INSIDE)))


def test_a_field_that_is_not_known_may_hold_anything() -> None:
    number = b"\xfc" + len(INSIDE).to_bytes(2, "little")
    fields = b"\x09\x02\x01\x01" + b"\x03\x03" + number + b"\x00"

    assert list(unpack(binlog.event(EventType.TRANSACTION_PAYLOAD, fields + INSIDE)))


def test_an_algorithm_that_is_not_known_is_refused() -> None:
    with pytest.raises(RefusedEvent, match="algorithm 7"):
        list(unpack(payload(b"\x07", INSIDE)))


def test_a_damaged_size_makes_no_room_for_gigabytes() -> None:
    huge = INSIDE[:9] + (0xF0_00_00_00).to_bytes(4, "little") + INSIDE[13:]
    size = b"\x03\x09\xfe" + (1 << 33).to_bytes(8, "little")
    algorithm = b"\x02" + bytes([len(ZSTD)]) + ZSTD
    event = binlog.event(
        EventType.TRANSACTION_PAYLOAD, algorithm + size + b"\x00" + zstandard.compress(huge)
    )

    tracemalloc.start()
    with pytest.raises(Corrupted):
        list(unpack(event))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10_000_000
