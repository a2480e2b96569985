"""Table maps that no server writes, although their checksum is right."""

from __future__ import annotations

import pytest

from cdc.errors import Corrupted
from cdc.model.table_map import TableMap
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.table_maps import TableMapCache
from tests.unit.readers.binlog.support import binlog_bytes as binlog

SOUND = binlog.table_map(1, "orders", schema="shop").data[19:]
SCHEMA_SIZE, TABLE_SIZE = 8, 14
KEY_AT = len(SOUND) - 1


def lookup(body: bytes) -> TableMap | None:
    def follows(schema: str, table: str) -> bool:
        return (schema, table) == ("shop", "orders")

    cache = TableMapCache(follows, lambda raw, _: raw.decode(), mariadb=False)
    return cache.lookup(binlog.event(EventType.TABLE_MAP, body))


def changed(at: int, *to: int) -> bytes:
    return SOUND[:at] + bytes(to) + SOUND[at + 1 :]


def test_a_sound_one_is_read() -> None:
    found = lookup(SOUND)

    assert found is not None
    assert (found.name, found.primary_key) == ("shop.orders", (0,))


@pytest.mark.parametrize("at", [SCHEMA_SIZE, TABLE_SIZE], ids=["schema", "table"])
@pytest.mark.parametrize("by", [-3, -1, 1, 3])
def test_a_name_of_another_length_is_no_other_table(at: int, by: int) -> None:
    """Rows of a table that is not followed are left out without a word."""
    with pytest.raises(Corrupted, match="a name does not end where its length says"):
        lookup(changed(at, SOUND[at] + by))


def test_a_key_that_has_a_column_twice_is_none() -> None:
    """Ids made of the half of a key would be those of several rows."""
    with pytest.raises(Corrupted, match="twice"):
        lookup(changed(KEY_AT - 1, 2) + b"\0")


def test_metadata_that_come_twice_are_none() -> None:
    with pytest.raises(Corrupted, match="field 8 twice"):
        lookup(SOUND + b"\x08\x01\x00")


def test_a_text_without_a_collation_is_none() -> None:
    """It would be taken for bytes: its field was damaged so that it is another, unknown one."""
    types = SOUND.index(b"\x01\x03\x00\x00")
    text = SOUND[:types] + b"\x01\x0f\x02\x50\x00\x00" + b"\x04\x03\x02id"

    with pytest.raises(Corrupted, match="StopIteration"):
        lookup(text + b"\x42\x01\x2d")
    assert lookup(text + b"\x02\x01\x2d") is not None


def test_a_number_that_is_cut_short_is_none() -> None:
    """The collation would be another one, and the text read by another charset."""
    types = SOUND.index(b"\x01\x03\x00\x00")
    text = SOUND[:types] + b"\x01\x0f\x02\x50\x00\x00" + b"\x04\x03\x02id"

    with pytest.raises(Corrupted, match="ends early"):
        lookup(text + b"\x02\x02\xfc\x2d")


@pytest.mark.parametrize("attributes", [b"", b"\x08\x08"], ids=["none", "one too many"])
def test_attributes_that_are_not_those_of_the_types_are_none(attributes: bytes) -> None:
    """A DOUBLE has one."""
    types = SOUND.index(b"\x01\x03\x00\x00")
    body = SOUND[:types] + b"\x01\x05" + bytes((len(attributes),)) + attributes + b"\x00"

    with pytest.raises(Corrupted, match="do not add up"):
        lookup(body + SOUND[types + 4 :])


@pytest.mark.parametrize("size", [TABLE_SIZE + 1, TABLE_SIZE + 4, TABLE_SIZE + 7])
def test_one_that_ends_within_a_name_is_no_other_table(size: int) -> None:
    with pytest.raises(Corrupted):
        lookup(SOUND[:size])
