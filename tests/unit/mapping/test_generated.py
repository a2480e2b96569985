"""Generated code does what the checked reader does, whatever the bytes of a column."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import RecordError
from cdc.mapping.transcode.reference_rows import ReferenceRows
from cdc.mapping.types.registry import wire
from cdc.model.operation import Operation
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.row_images import event, image, plan, prefixed, table

MEMBERS = ("a", "ü", "")
SHAPES: list[dict[str, Any]] = [
    *(
        {"type": kind, "unsigned": unsigned}
        for kind in (FieldType.TINY, FieldType.INT24, FieldType.LONG, FieldType.LONGLONG)
        for unsigned in (False, True)
    ),
    *(
        {"type": FieldType.NEWDECIMAL, "precision": precision, "scale": scale}
        for precision, scale in (
            (1, 0),
            (5, 2),
            (7, 7),
            (9, 9),
            (12, 2),
            (18, 9),
            (20, 10),
            (40, 9),
        )
    ),
    *(
        {"type": kind, "scale": scale}
        for kind in (FieldType.DATETIME2, FieldType.TIMESTAMP2, FieldType.TIME2)
        for scale in (0, 2, 3, 6)
    ),
    {"type": FieldType.FLOAT},
    {"type": FieldType.DOUBLE},
    {"type": FieldType.DATE},
    {"type": FieldType.YEAR},
    {"type": FieldType.BIT, "bits": 1},
    {"type": FieldType.BIT, "bits": 33},
    {"type": FieldType.ENUM, "length": 1, "members": MEMBERS},
    {"type": FieldType.SET, "length": 1, "members": MEMBERS},
    {"type": FieldType.VARCHAR, "length": 20, "collation": 255},
    {"type": FieldType.VARCHAR, "length": 2000, "collation": 8},
    {"type": FieldType.STRING, "length": 20, "collation": 63},
    {"type": FieldType.BLOB, "length_bytes": 3, "collation": 63},
]
SMALL_DIGITS = st.integers(0, 9)


def raws(column: Column) -> st.SearchStrategy[bytes | None]:
    """Bytes of a column, of which some are values and most of the others nearly."""
    shape = wire(column)
    if shape.prefix:
        limit = min(column.length or 99, 20)
        return st.none() | st.binary(max_size=limit).map(lambda raw: prefixed(raw, shape.prefix))
    nearly = st.lists(SMALL_DIGITS, min_size=shape.size, max_size=shape.size).map(bytes)
    return (
        st.none()
        | st.binary(min_size=shape.size, max_size=shape.size)
        | nearly
        | nearly.map(lambda raw: bytes((raw[0] | 0x80,)) + raw[1:])
    )


def outcome(read: Callable[[], list[Operation]]) -> list[Operation] | str:
    """What comes of a row: its operations, or the error that it is."""
    try:
        return read()
    except RecordError as error:
        return str(error)


@examples(300)
@given(st.data())
def test_generated_code_does_what_the_checked_reader_does(data: st.DataObject) -> None:
    shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=18))
    columns = [Column(f"c{at}", **shape) for at, shape in enumerate(shapes)]
    kind = data.draw(st.sampled_from(RowsKind))
    images = [
        image(struct.pack("<q", data.draw(st.integers(0, 1))), *map(data.draw, map(raws, columns)))
        for _ in range(1 + (kind is RowsKind.UPDATE))
    ]
    things = table(*columns)
    rule = {"on_delete": {"set": {"gone": "$now"}}} if data.draw(st.booleans()) else {}
    mapped = plan(things, nulls=data.draw(st.sampled_from(["keep", "omit"])), **rule)
    checked = getattr(ReferenceRows(mapped.layout), kind.value)

    def read() -> list[Operation]:
        found: list[Operation] = []
        checked(b"".join(images), 0, found.append, bytes(8))
        return found

    expected = outcome(read)

    assert outcome(lambda: mapped.operations(event(things, *images, kind=kind), 0)) == expected
