"""Row images cut short or changed: the project's own errors, never another or a hang."""

import struct

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import Corrupted, RecordError
from cdc.model.dead_letter import FailedRow
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.row_images import (
    event,
    in_python,
    plan,
    prefixed,
    row,
    table,
    varchar,
)
from tests.unit.mapping.support.row_images import image as packed

COLUMNS = table(
    Column("tiny", FieldType.TINY, unsigned=True),
    varchar("name"),
    Column("price", FieldType.NEWDECIMAL, precision=12, scale=2),
    Column("at", FieldType.DATETIME2, scale=6),
    Column("color", FieldType.ENUM, length=1, members=("red", "green")),
    Column("tags", FieldType.SET, length=1, members=("a", "b")),
    Column("big", FieldType.LONGLONG, unsigned=True),
    Column("place", FieldType.GEOMETRY, length_bytes=4),
    Column("vector", FieldType.VECTOR, length_bytes=4),
    Column("packed", FieldType.MARIADB_BLOB_COMPRESSED, length_bytes=2, collation=255),
    Column("json", FieldType.JSON, length_bytes=4),
    Column("lasted", FieldType.TIME2, scale=3),
)
DATETIME = ((1 << 63) | ((2020 * 13 + 5) << 46) | (4 << 41)).to_bytes(8, "big")
POINT = bytes(4) + struct.pack("<BIdd", 1, 1, 1.5, 2.5)


def image(number: int) -> bytes:
    return row(
        number,
        b"\x07",
        prefixed("Änn".encode()),
        bytes.fromhex("800000000100"),
        DATETIME,
        b"\1",
        b"\3",
        struct.pack("<Q", number),
        prefixed(POINT, 4),
        prefixed(struct.pack("<3f", 1, 2, 3), 4),
        prefixed(b"\0plain", 2),
        prefixed(encode({"a": [1, "x", None]}), 4),
        b"\x80\x00\x01\x00\x00",
    )


IMAGES = b"".join(map(image, range(1, 7)))
PLAN = plan(COLUMNS)


@pytest.mark.parametrize("kind", list(RowsKind))
def test_images_cut_short_anywhere_raise(kind: RowsKind) -> None:
    whole = len(image(1)) * (2 if kind is RowsKind.UPDATE else 1)

    for end in range(1, len(IMAGES)):
        if end % whole:
            with pytest.raises(Corrupted):
                PLAN.operations(event(COLUMNS, IMAGES[:end], kind=kind), 0)


@examples(400)
@given(st.data(), st.sampled_from(RowsKind))
def test_changed_bytes_raise_or_give_bson(data: st.DataObject, kind: RowsKind) -> None:
    images = bytearray(IMAGES)
    for _ in range(data.draw(st.integers(1, 4))):
        images[data.draw(st.integers(0, len(images) - 1))] = data.draw(st.integers(0, 255))

    try:
        operations = PLAN.operations(event(COLUMNS, bytes(images), kind=kind), 0)
    except (Corrupted, RecordError):
        return

    for operation in operations:
        assert not operation.document or bson.decode(operation.document)["_id"] is not None


@pytest.mark.parametrize("row_id", ["id", [{"column": "id", "name": "id"}], ["id", "n"]])
@pytest.mark.parametrize("nulls", ["keep", "omit"])
def test_a_row_without_any_of_its_id_is_set_aside(row_id: object, nulls: str) -> None:
    columns = table(Column("n", FieldType.TINY, nullable=False))
    failed: list[FailedRow] = []

    done = in_python(plan(columns, id=row_id, nulls=nulls)).operations(
        event(columns, packed(None, None)), 0, failed.append
    )

    assert done == []
    assert ["is part of the id, but holds NULL" in str(each.error) for each in failed] == [True]
