"""The second reading, which judges the reader, reads what servers wrote as mysql-replication does.

So neither was written to agree with the reader.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql.protocol
import pytest
from pymysqlreplication import row_event
from pymysqlreplication.packet import BinLogPacketWrapper

from cdc_sandbox.servers import Flavour
from tests.fuzz.mutated_events import mutated_events
from tests.fuzz.recordings import FLAVOURS, Recording, recording
from tests.fuzz.second_reading import PACKED, SecondReading

ROWS = {
    row_event.WriteRowsEvent: ("", "values"),
    row_event.UpdateRowsEvent: ("before_values", "after_values"),
    row_event.DeleteRowsEvent: ("values", ""),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoServer:
    """What the library asks of a connection."""

    charset = "utf8mb4"

    def __init__(self, *, mariadb: bool) -> None:
        self._dbms = "mariadb" if mariadb else "mysql"

    def _get_dbms(self) -> str:
        return self._dbms


def uncompressed(found: Recording) -> list[bytes]:
    """The events before the first transaction that is compressed, which the library cannot read."""
    first = next(at for at, each in enumerate(found.events) if is_compressed(each))
    gtid = max(at for at in range(first) if found.events[at][4] in (33, 162))
    return [*found.events[:gtid]]


def is_compressed(event: bytes) -> bool:
    return event[4] == 40 or event[4] in PACKED


def by_the_library(found: Recording) -> Iterator[tuple[str, Any, Any]]:
    """The changes that mysql-replication reads."""
    tables: dict[int, Any] = {}
    server = NoServer(mariadb=found.mariadb)
    for event in uncompressed(found):
        packet = BinLogPacketWrapper(
            pymysql.protocol.MysqlPacket(b"\0" + event, "utf8mb4"),
            tables,
            server,
            (9, 0, 0),
            True,
            frozenset({*ROWS, row_event.TableMapEvent}),
            None,
            None,
            None,
            None,
            False,
            False,
            False,
            True,
            False,
        )
        read: Any = packet.event
        if type(read) in ROWS:
            names = ROWS[type(read)]
            for row in read.rows:
                before, after = (row[each] if each else None for each in names)
                yield f"{read.schema}.{read.table}", before, after


def alike(value: Any) -> Any:
    """A value of the library, as documents have it."""
    match value:
        case datetime():
            return (value.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
        case date():
            return alike(datetime(value.year, value.month, value.day))
        case timedelta():
            seconds = abs(value) // timedelta(seconds=1)
            sign = "-" * (value < timedelta())
            return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        case set():
            return sorted(value)
    return value


def as_the_library(name: str, value: Any) -> Any:
    """A value of the second reading, as far as the library reads it rightly."""
    match name, value:
        case "tags", []:
            return None  # it takes an empty SET for NULL
        case "flags", int():
            return f"{value:09b}"
        case "since", 0:
            return 1900
        case "raw" | "fixed", bytes():
            return value.rstrip(b"\0") if name == "fixed" else value
    return value


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_second_reading_is_that_of_mysql_replication(flavour: Flavour) -> None:
    found = recording(flavour)
    bare = [each[:-4] for each in uncompressed(found)]

    theirs = [*by_the_library(found)]
    ours = [
        change
        for transaction in SecondReading(mariadb=found.mariadb).transactions(bare)
        for change in transaction.changes
    ]

    assert len(ours) == len(theirs) > 9
    for (table, *mine), (other, *others) in zip(ours, theirs, strict=True):
        assert table.name == other
        for row, expected in zip(mine, others, strict=True):
            assert (row is None) == (expected is None)
            for column, value in (row or {}).items():
                right = alike(expected[column])
                right = (
                    right.encode()
                    if column in ("raw", "fixed") and isinstance(right, str)
                    else right
                )
                assert as_the_library(column, value) == right, (table.name, column)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recording_is_read_to_its_end(flavour: Flavour) -> None:
    found = recording(flavour)

    read = [
        *SecondReading(mariadb=found.mariadb).transactions([each[:-4] for each in found.events])
    ]

    assert len(read) >= 7
    names = {change[0].name for transaction in read for change in transaction.changes}
    assert {"shop.things", "shop.pairs"} <= names


def test_a_number_is_changed_and_read_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What mutated_events would not notice: this must fail, were the second reading to lie."""
    found = recording("mysql")
    number, event = next((at, each) for at, each in enumerate(found.events) if each[4] == 30)
    data = b"\0" + struct.pack("<BHB", number, len(event) - 6, 1)
    mutated_events(data)

    monkeypatch.setattr("tests.fuzz.second_reading.value", lambda *_: Decimal("NaN"))

    with pytest.raises(AssertionError):
        mutated_events(data)
