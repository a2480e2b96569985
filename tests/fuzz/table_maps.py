"""A table map is read as the second reading does, or refused by name."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.types import charsets
from cdc.model.table_map import TableMap
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.table_maps import PAYLOAD_AT, TableMapCache
from tests.fuzz.recordings import FLAVOURS, recording
from tests.fuzz.second_reading import SecondReading, Table
from tests.fuzz.second_values import Impossible, Unread
from tests.unit.readers.binlog.support import binlog_bytes as binlog


def table_map(data: bytes) -> None:
    """Read what stands behind a table's id; the first byte chooses the kind of server."""
    if not data:
        return
    mariadb = bool(data[0] & 1)
    event = binlog.event(EventType.TABLE_MAP, bytes(6) + data[1:])
    ours = read(event, mariadb=mariadb)
    if ours is None:
        return
    with suppress(Unread):
        assert_same(ours, theirs(event, mariadb=mariadb))


def read(event: Event, *, mariadb: bool) -> TableMap | None:
    """Return the table; None if it is refused."""
    cache = TableMapCache(lambda *_: True, decode, mariadb)
    try:
        return cache.lookup(event)
    except (Corrupted, RefusedEvent):
        return None


def decode(raw: bytes, collation: int) -> str:
    """Decode as the reader's own decoder does; raises ValueError or RefusedEvent."""
    name = charsets.charset(collation)
    found = charsets.decoder(name) if name is not None else None
    if found is None:
        raise RefusedEvent(f"collation {collation}")
    return found[0](raw)


def theirs(event: Event, *, mariadb: bool) -> Table:
    """Return the table by the second reading; raises Unread, AssertionError if none can be."""
    try:
        return SecondReading(mariadb=mariadb).table(event.data)
    except (Impossible, UnicodeDecodeError) as error:
        raise AssertionError("no server writes this table map") from error


def assert_same(ours: TableMap, other: Table) -> None:
    """Compare all that a mapping may depend on."""
    assert f"{ours.schema}.{ours.table}" == other.name
    assert [each.name for each in ours.columns] == [each.name for each in other.columns]
    for mine, column in zip(ours.columns, other.columns, strict=True):
        assert mine.type == column.code
        assert mine.nullable == column.nullable
        assert mine.unsigned == (column.unsigned and column.is_numeric)
        if column.is_text:
            assert mine.collation == column.collation
        if column.is_enumerated:
            assert len(mine.members) == len(column.members)
    assert [ours.columns[at].name for at in ours.primary_key] == other.key


def seeds() -> Iterable[bytes]:
    """Return the table maps that servers have written."""
    for flavour in FLAVOURS:
        found = recording(flavour)
        for each in found.events:
            if each[4] == EventType.TABLE_MAP:
                yield bytes((found.mariadb,)) + each[PAYLOAD_AT:-4]
