"""Transactions that the native module reads whole are those that single events give."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from unittest import mock
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.readers.binlog import table_maps
from cdc.readers.binlog.events import Event, EventType
from tests.support.event_streams import in_pieces, packets
from tests.support.examples import examples
from tests.unit.native.support.module import NATIVE, needs_native
from tests.unit.native.support.reading import laid_out, read
from tests.unit.readers.binlog.support import binlog_bytes as binlog

pytestmark = needs_native

POSITIONS: dict[str, list[Position]] = {
    "mysql": [GtidPosition(GtidSet()), FilePosition("binlog.000001", 4)],
    "mariadb": [GtidPosition(MariadbGtids()), FilePosition("binlog.000001", 4)],
}

Group = Callable[[int], list[Event]]
"""The events of a transaction, by its number."""


def rows(kind: int, *, after: bool = False, extra: bytes = b"") -> Callable[..., Event]:
    """Rows events of the table that `binlog.table_map` describes."""
    second = kind in (EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS)

    def of(table_id: int, *ids: int) -> Event:
        body = table_id.to_bytes(6, "little") + b"\1\0"
        body += (
            (struct.pack("<H", 2 + len(extra)) + extra) * second + b"\x01" + b"\x01" * (1 + after)
        )
        body += b"".join(b"\0" + number.to_bytes(4, "little") for number in ids)
        return binlog.event(kind, body)

    return of


ROWS = {
    "mysql": [
        rows(EventType.WRITE_ROWS),
        rows(EventType.UPDATE_ROWS, after=True),
        rows(EventType.DELETE_ROWS, extra=b"\0\3abc"),
    ],
    "mariadb": [
        rows(EventType.WRITE_ROWS_V1),
        rows(EventType.UPDATE_ROWS_V1, after=True),
        rows(EventType.DELETE_ROWS_V1),
    ],
}
NOTES = [
    binlog.event(EventType.ROWS_QUERY, b"\5hello"),
    binlog.event(EventType.ANNOTATE_ROWS, b"q"),
]
WITHOUT_ROWS = [
    [binlog.table_map(9, "u")],
    [binlog.table_map(9, "u"), binlog.table_map(8, "other")],
    [binlog.table_map(9, "u", names=False)],
    [binlog.event(EventType.TABLE_MAP, bytes(8) + b"\2db\0\7t\0")],
]
"""Tables that a statement could have changed, and what a damaged byte makes of its rows."""
ELSEWHERE = [
    [binlog.event(EventType.HEARTBEAT, b"binlog.000001")],
    [binlog.rotate("binlog.000002")],
    [binlog.format_description()],
    [binlog.event(EventType.PREVIOUS_GTIDS, bytes(8))],
    [binlog.event(99, b"?", flags=0x80)],
    [binlog.event(99, b"?")],
]


@st.composite
def statements(draw: st.DrawFn, flavour: str) -> list[Event]:
    """Table maps, and rows of them: mostly as a statement of the source writes them."""
    table_id = draw(st.integers(1, 3))
    tables = st.sampled_from(["t", "t", "t", "u", "other"])
    announced = [binlog.table_map(table_id, draw(tables))] * draw(
        st.sampled_from([1, 1, 1, 1, 2, 0])
    )
    ids = draw(st.lists(st.integers(0, 1 << 31), min_size=1, max_size=4))
    written = [draw(st.sampled_from(ROWS[flavour]))(table_id, *ids)]
    note = draw(st.sampled_from([[], [], [], NOTES[:1], NOTES[1:]]))
    unread = draw(st.sampled_from([[], [], [], *WITHOUT_ROWS]))
    return [*note, *announced, *unread, *written * draw(st.integers(1, 2))]


@st.composite
def groups(draw: st.DrawFn, flavour: str) -> Group:
    """A transaction, or what stands between two, as `transaction_assembler` lists them."""
    if draw(st.integers(0, 9)) == 0:
        elsewhere = draw(st.sampled_from(ELSEWHERE))
        return lambda _: elsewhere
    written = [each for part in draw(st.lists(statements(flavour), max_size=3)) for each in part]
    end = draw(st.sampled_from([binlog.xid(), binlog.xid(), binlog.xid(), binlog.query("COMMIT")]))
    odd = draw(st.integers(0, 9))
    flags = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 4, 64]))
    anonymous = draw(st.integers(0, 9)) == 0

    def of(number: int) -> list[Event]:
        if flavour == "mariadb":
            return [binlog.mariadb_gtid(number, flags=flags, domain=flags // 2), *written, end]
        opened = binlog.anonymous() if anonymous else binlog.gtid(number)
        begin = binlog.query("BEGIN", status=bytes(number % 3))
        if odd == 0:
            return [opened, binlog.query("ALTER TABLE t ADD a INT")]
        if odd == 1:
            return [opened, begin, binlog.query("SAVEPOINT s"), *written, end]
        if odd == 2:
            return [opened, *written, end]
        return [opened, begin, *written, end]

    return of


@st.composite
def streams(draw: st.DrawFn) -> tuple[Position, bool, list[bytes]]:
    """A position, whether there are checksums, and the events after it."""
    flavour = draw(st.sampled_from(["mysql", "mariadb"]))
    position = draw(st.sampled_from(POSITIONS[flavour]))
    checksum = draw(st.booleans())
    parts = draw(st.lists(groups(flavour), max_size=12))
    stream = [each for number, part in enumerate(parts, 1) for each in part(number)]
    zero_inside = flavour == "mariadb" and draw(st.booleans())
    unsent = draw(st.frozensets(st.integers(0, 40), max_size=3))
    laid = laid_out(stream, checksum=checksum, zero_inside=zero_inside, unsent=unsent)
    return position, checksum, laid


SPLITS = st.lists(st.integers(1, 400), max_size=5)


@examples(300)
@given(streams(), SPLITS)
def test_what_is_read_ahead_is_what_single_events_give(
    stream: tuple[Position, bool, list[bytes]], splits: list[int]
) -> None:
    position, checksum, laid = stream
    received = in_pieces(packets(laid), splits)

    assert read(received, position, checksum=checksum, native=NATIVE) == read(
        received, position, checksum=checksum, native=None
    )


@examples(300)
@given(streams(), SPLITS, st.data())
def test_damaged_events_end_in_the_same_error(
    stream: tuple[Position, bool, list[bytes]], splits: list[int], data: st.DataObject
) -> None:
    position, checksum, laid = stream
    if not laid:
        return
    at = data.draw(st.integers(0, len(laid) - 1))
    event = bytearray(laid[at])
    for _ in range(data.draw(st.integers(1, 3))):
        event[data.draw(st.integers(0, len(event) - 1))] = data.draw(st.integers(0, 255))
    if checksum and data.draw(st.booleans()):
        event[-4:] = struct.pack("<I", crc32(event[:-4]))
    laid[at] = bytes(event)
    received = in_pieces(packets(laid), splits)

    assert read(received, position, checksum=checksum, native=NATIVE) == read(
        received, position, checksum=checksum, native=None
    )


@examples(200)
@given(streams(), st.data())
def test_damaged_packets_end_in_the_same_error(
    stream: tuple[Position, bool, list[bytes]], data: st.DataObject
) -> None:
    position, checksum, laid = stream
    sent = bytearray(packets(laid))
    if not sent:
        return
    sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    received = [bytes(sent)]

    assert read(received, position, checksum=checksum, native=NATIVE) == read(
        received, position, checksum=checksum, native=None
    )


def test_ordinary_transactions_after_the_first_are_read_whole() -> None:
    parts = [binlog.gtid(1), binlog.query("BEGIN"), binlog.table_map(1)]
    stream = [
        each
        for number in range(1, 301)
        for each in (binlog.gtid(number), *parts[1:], binlog.write_rows(1, number), binlog.xid())
    ]
    laid = laid_out(stream, checksum=True, zero_inside=False)
    native = mock.Mock(wraps=NATIVE)

    found = read([packets(laid)], POSITIONS["mysql"][0], checksum=True, native=native)

    assert len(found.transactions) == 300
    whole = [call.args for call in native.read_run.call_args_list if call.args[-1] > 1]
    found_at_once = [NATIVE.read_run(*arguments) for arguments in whole]
    middle = 299 // 2 + 1  # where `one_by_one` looks at a checkpoint
    assert [each and each[0] for each in found_at_once] == [299, middle, None]


@pytest.mark.parametrize("native", [NATIVE, None], ids=["native", "python"])
@pytest.mark.parametrize(
    ("became", "error"),
    [
        (EventType.TABLE_MAP, "a table map cannot be read"),
        (EventType.XID, "a commit is of another size"),
    ],
)
def test_rows_whose_type_became_another_are_not_passed_over(
    became: EventType, error: str, native: Any
) -> None:
    parts = [binlog.query("BEGIN"), binlog.table_map(1)]
    stream = [binlog.gtid(1), *parts, binlog.write_rows(1, 1), binlog.xid()]
    stream += [binlog.gtid(2), *parts, binlog.write_rows(1, 2), binlog.xid()]
    lost = stream[-2].data
    stream[-2] = stream[-2]._replace(data=lost[:4] + bytes([became]) + lost[5:])
    laid = laid_out(stream, checksum=True, zero_inside=False)

    found = read([packets(laid)], POSITIONS["mysql"][0], checksum=True, native=native)

    assert len(found.transactions) == 1
    assert error in str(found)


@pytest.mark.parametrize("tables", [1, 20, 400], ids=["known", "too many", "new"])
def test_tables_that_are_not_known_do_not_make_all_be_read_again(tables: int) -> None:
    """Each call of the module that ends before such a table has read what is behind it, too."""
    stream = [
        each
        for number in range(1, 401)
        for each in (
            binlog.gtid(number),
            binlog.query("BEGIN"),
            binlog.table_map(1, f"t{number % tables}"),
            binlog.write_rows(1, number),
            binlog.xid(),
        )
    ]
    laid = laid_out(stream, checksum=True, zero_inside=False)
    native = mock.Mock(wraps=NATIVE)

    with mock.patch.object(table_maps, "CACHED_DEFINITIONS", 10):
        found = read([packets(laid)], POSITIONS["mysql"][0], checksum=True, native=native)

    assert len(found.transactions) == 400
    calls = [call.args for call in native.read_run.call_args_list]
    counts = [run[0] for each in calls if (run := NATIVE.read_run(*each)) is not None]
    assert sum(counts) < 3 * 400


@examples(200)
@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 255), st.booleans())
@example(b"", 1 << 40, 0, True)
@example(b"\xff" * 60, 0, 255, False)
def test_of_any_bytes_nothing_is_found(raw: bytes, at: int, number: int, checksum: bool) -> None:
    opens = bytes((EventType.GTID, EventType.MARIADB_GTID))

    found = NATIVE.read_run(raw, at, number << 24, (1 << 64) - 1, checksum, opens, 1000, 1 << 32)

    assert found is None
