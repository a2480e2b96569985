"""Columns of all kinds, and bytes for them of which most are values or nearly."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import strategies as st

from cdc.mapping.types.registry import wire
from cdc.model.table_map import Column, FieldType
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.json_trees import TREES
from tests.unit.mapping.support.row_images import prefixed

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
    {"type": FieldType.STRING, "length": 16, "collation": 63},
    {"type": FieldType.ENUM, "length": 2, "members": MEMBERS},
    {"type": FieldType.SET, "length": 8, "members": tuple(f"m{at}" for at in range(64))},
    {"type": FieldType.NEWDECIMAL, "precision": 34, "scale": 17},
    {"type": FieldType.NEWDECIMAL, "precision": 65, "scale": 30},
    {"type": FieldType.BIT, "bits": 64},
    {"type": FieldType.SHORT},
    {"type": FieldType.JSON, "length_bytes": 4},
    {"type": FieldType.BLOB, "length_bytes": 2, "collation": 255},
    {"type": FieldType.VECTOR, "length_bytes": 4},
    {"type": FieldType.GEOMETRY, "length_bytes": 4},
    {"type": FieldType.DATETIME},
    {"type": FieldType.TIMESTAMP},
    {"type": FieldType.TIME},
    {"type": FieldType.MARIADB_VARCHAR_COMPRESSED, "length": 20, "collation": 255},
]
ASCII_TEXT = st.text(st.characters(codec="ascii"), max_size=20).map(str.encode)
SMALL_DIGITS = st.integers(0, 9)


def raws(column: Column) -> st.SearchStrategy[bytes | None]:
    """Bytes of a column, of which some are values and most of the others nearly."""
    shape = wire(column)
    if shape.prefix:
        return st.none() | _contents(column).map(lambda raw: prefixed(raw, shape.prefix))
    nearly = st.lists(SMALL_DIGITS, min_size=shape.size, max_size=shape.size).map(bytes)
    return (
        st.none()
        | st.binary(min_size=shape.size, max_size=shape.size)
        | nearly
        | nearly.map(lambda raw: bytes((raw[0] | 0x80,)) + raw[1:])
    )


def _contents(column: Column) -> st.SearchStrategy[bytes]:
    limit = min(column.length or 99, 20)
    anything = st.binary(max_size=limit)
    if column.type is FieldType.JSON:
        return TREES.map(encode) | anything
    if column.type is FieldType.VECTOR:
        return st.lists(st.floats(width=32)).map(lambda each: struct.pack(f"<{len(each)}f", *each))
    if column.type is FieldType.BLOB:
        return ASCII_TEXT | TREES.map(lambda tree: json.dumps(tree).encode()) | anything
    return ASCII_TEXT.map(lambda text: text[:limit]) | anything
