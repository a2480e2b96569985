"""The native module maps rows as generated code does, or leaves them to it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.mapping.compile.plan import Plan
from cdc.mapping.file.problems import MappingError
from cdc.mapping.transcode.native_rows import conversion
from cdc.mapping.types.encoder import Encoder
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.mapping.types.value_types import ValueType
from cdc.model.operation import OperationKind
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsEvent, RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.random_columns import SHAPES, raws
from tests.unit.mapping.support.row_images import (
    COMMITTED_AT,
    event,
    image,
    plan,
    prefixed,
    row,
    table,
    varchar,
)
from tests.unit.native.support.mapped import assert_equal, natively, outcome
from tests.unit.native.support.module import NATIVE, needs_native

pytestmark = needs_native


def planned(columns: TableMap, **mapping: Any) -> Plan | None:
    """The plan of a mapping; None for one that the columns refuse."""
    try:
        return plan(columns, **mapping)
    except MappingError:
        return None


@st.composite
def columns_of(draw: st.DrawFn) -> TableMap:
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=18))
    return table(*(Column(f"c{at}", **shape) for at, shape in enumerate(shapes)))


@st.composite
def rules(draw: st.DrawFn, columns: TableMap) -> dict[str, Any]:
    """A mapping of the columns; it may be one that they refuse."""
    rule: dict[str, Any] = {"nulls": draw(st.sampled_from(["keep", "omit"]))}
    if draw(st.booleans()):
        rule["on_delete"] = {"set": {"gone": "$now", "mark.by": "cdc"}}
    elif draw(st.booleans()):
        rule["shard_key"] = {"c0": 1, "_id": "hashed"}
    if draw(st.integers(0, 3)) == 0:
        rule["id"] = [{"column": "id", "name": draw(st.sampled_from(["id", "key"]))}]
    if draw(st.integers(0, 3)) == 0:
        rule["where"] = draw(st.sampled_from(["id = 1", "c0 IS NULL", "id >= 0"]))
    if draw(st.booleans()):
        rule["fields"] = draw(fields(columns))
        if "shard_key" in rule:
            rule["fields"]["c0"] = rule["fields"].pop("deep.c0", {"column": "c0"})
    return rule


def _encoder(column: Column, wanted: ValueType | None) -> Encoder | None:
    """The encoder of a column; None for a type that it cannot become."""
    try:
        return encoder(column, wanted, lambda _: None)
    except Unsupported:
        return None


@st.composite
def fields(draw: st.DrawFn, columns: TableMap) -> dict[str, Any]:
    found: dict[str, Any] = {"constant": {"value": 5}, "from": {"source": "table"}}
    for column in columns.columns[1:]:
        field: dict[str, Any] = {"column": column.name}
        wanted = draw(st.sampled_from([None, None, *ValueType]))
        if wanted is not None and _encoder(column, wanted):
            field["type"] = wanted
        place = draw(st.sampled_from(["{}", "deep.{}", "deep.down.{}"]))
        found[place.format(column.name)] = field
    if draw(st.booleans()):
        found["computed"] = {"sql": "id + 1"}
    return found


@st.composite
def events(draw: st.DrawFn, columns: TableMap) -> RowsEvent:
    kind = draw(st.sampled_from(RowsKind))
    count = draw(st.integers(1, 4)) * (1 + (kind is RowsKind.UPDATE))
    images = [
        image(
            struct.pack("<q", draw(st.integers(0, 1))), *map(draw, map(raws, columns.columns[1:]))
        )
        for _ in range(count)
    ]
    return event(columns, *images, kind=kind)


@examples(150)
@given(st.data())
def test_operations_and_failed_rows_are_those_of_generated_code(data: st.DataObject) -> None:
    columns = data.draw(columns_of())
    mapped = planned(columns, **data.draw(rules(columns)))
    if mapped is not None:
        assert_equal(mapped, data.draw(events(columns)))


@examples(150)
@given(st.data())
def test_damaged_images_come_to_what_generated_code_makes_of_them(data: st.DataObject) -> None:
    columns = data.draw(columns_of())
    mapped = planned(columns, **data.draw(rules(columns)))
    rows = data.draw(events(columns))
    images = bytearray(rows.images)
    for _ in range(data.draw(st.integers(0, 3))):
        images[data.draw(st.integers(0, len(images) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(images), data.draw(st.integers(0, len(images)))]))
    if mapped is not None:
        assert_equal(mapped, rows._replace(images=bytes(images[:cut])))


@examples(100)
@given(st.data())
def test_any_bytes_come_to_what_generated_code_makes_of_them(data: st.DataObject) -> None:
    columns = data.draw(columns_of())
    kind = data.draw(st.sampled_from(RowsKind))

    assert_equal(plan(columns), event(columns, data.draw(st.binary(max_size=80)), kind=kind))


JSON_TREES: list[Any] = [{"a": [1, "x", None]}, [], 5, "x", 1 << 63]
JSON_VALUES = [prefixed(encode(tree), 4) for tree in JSON_TREES]
LEAP_DAY = (1 << 39 | (2024 * 13 + 2) << 22 | 29 << 17 | 23 << 12 | 59 << 6 | 58).to_bytes(5, "big")

KNOWN: dict[str, tuple[Column, Sequence[bytes | None], dict[str, Any]]] = {
    "BIGINT UNSIGNED above int64": (
        Column("c", FieldType.LONGLONG, unsigned=True),
        [b"\xff" * 8, bytes(8), None],
        {},
    ),
    "negative DECIMAL": (
        Column("c", FieldType.NEWDECIMAL, precision=12, scale=2),
        [bytes.fromhex("7ffffffff5ce"), bytes.fromhex("800000000100")],
        {},
    ),
    "DECIMAL of 65 digits": (
        Column("c", FieldType.NEWDECIMAL, precision=65, scale=30),
        [b"\x80" + bytes(29), b"\x7f" + b"\xff" * 29],
        {},
    ),
    "zero DATE": (Column("c", FieldType.DATE), [bytes(3), b"\x41\xc9\x0f"], {}),
    "zero DATETIME": (
        Column("c", FieldType.DATETIME2, scale=3),
        [b"\x80" + bytes(6), LEAP_DAY + b"\0\7"],
        {},
    ),
    "zero TIMESTAMP": (Column("c", FieldType.TIMESTAMP2), [bytes(4), b"\x60\0\0\0"], {}),
    "TIME": (Column("c", FieldType.TIME2, scale=1), [b"\x7f\xff\xff\xf6", b"\x80\x10\x00\x0a"], {}),
    "ENUM": (Column("c", FieldType.ENUM, length=1, members=("ü", "b")), [b"\0", b"\1", b"\2"], {}),
    "SET": (Column("c", FieldType.SET, length=1, members=("a", "ü")), [b"\0", b"\3"], {}),
    "FLOAT": (
        Column("c", FieldType.FLOAT),
        [struct.pack("<f", one) for one in (0.1, 2097152.25, 1e-45, 3.4e38, -0.0, 1 / 3)],
        {},
    ),
    "UTF-8": (varchar("c"), [prefixed("aü€😀".encode()), prefixed(b"")], {}),
    "BINARY": (
        Column("c", FieldType.STRING, length=4, collation=63),
        [prefixed(b"a"), prefixed(b"abcd")],
        {},
    ),
    "UUID": (
        Column("c", FieldType.STRING, length=16, collation=63),
        [prefixed(b"a"), prefixed(b"a" * 16)],
        {"type": "uuid"},
    ),
    "JSON": (
        Column("c", FieldType.JSON, length_bytes=4),
        JSON_VALUES,
        {},
    ),
    "JSON text": (varchar("c"), [prefixed(b'{"a": [1, -0, 1e3]}')], {"type": "json"}),
    "latin1": (varchar("c", collation=8), [prefixed(b"\xe4\x80")], {}),
    "hash": (varchar("c"), [prefixed(b"secret")], {"mask": "hash"}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_it_leaves_no_row_of_a_known_kind_to_python(name: str) -> None:
    column, values, field = KNOWN[name]
    columns = table(column)
    mapped = natively(plan(columns, fields={"c": {"column": "c", **field}}))

    for kind in RowsKind:
        images = [row(number, raw) for number, raw in enumerate([*values, *values])]
        assert_equal(mapped, event(columns, *images, kind=kind))

    assert mapped.counts.left_rows == 0


def test_what_it_asks_of_python_is_rare() -> None:
    columns = [Column("c", **shape) for shape in SHAPES]
    found = [_encoder(column, wanted) for column in columns for wanted in (None, *ValueType)]

    asked = {type(each).__name__ for each in found if each and conversion(each)[0] == "python"}

    assert asked == {
        "Compressed",
        "DecodedJsonText",
        "FloatString",
        "Geometry",
        "Inet",
        "OldDateTime",
        "OldDateTimeString",
        "OldTime",
        "OldTimestamp",
        "OldTimestampString",
        "TimestampString",
    }


def test_lost_dates_are_counted_once_a_document() -> None:
    columns = table(Column("born", FieldType.DATE))
    mapped = natively(plan(columns))

    mapped.operations(event(columns, row(1, bytes(3)), row(2, bytes(3))), COMMITTED_AT)

    assert mapped.losses == {("born", "zero_date"): 2}


NAMES = table(varchar("name"))
BAD, GOOD = row(2, prefixed(b"\xff")), row(1, prefixed(b"ok"))


def test_behind_a_row_that_it_leaves_it_goes_on() -> None:
    mapped = natively(plan(NAMES))

    found, failed = outcome(mapped, event(NAMES, GOOD, BAD, GOOD, GOOD, BAD, GOOD))

    assert len(found) == 4
    assert [each[-1] for each in failed] == [1, 3]
    assert mapped.counts.left_rows == 2


SJIS = 13


def test_an_interrupt_in_a_converter_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    columns = table(varchar("name", collation=SJIS))
    mapped = plan(columns)
    [source] = [each for each in mapped.layout.sources if hasattr(each, "encoder")][1:]
    monkeypatch.setattr(type(source.encoder), "convert", interrupted)

    with pytest.raises(KeyboardInterrupt):
        natively(mapped).operations(event(columns, row(1, prefixed(b"x"))), COMMITTED_AT)


def made(**changes: Any) -> Any:
    parts = {
        "columns": [(8, 0)],
        "sources": [("integer", [0], 8, 0, (), None, b"\x0a")],
        "id": (b"_id", 0),
        "fields": [],
        "gone": None,
        "shard": [],
        "filter": None,
        "operation": tuple,
        "kinds": list(OperationKind),
    }
    return NATIVE.RowPlan(*(parts | changes).values())


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": []},
        {"columns": [(0, 5)]},
        {"sources": [("integer", [1], 8, 0, (), None, b"")]},
        {"sources": [("integer", [], 8, 0, (), None, b"")]},
        {"sources": [("unheard of", [0], 0, 0, (), None, b"")]},
        {"sources": [("decimal", [0], 1, 2, (), None, b"")]},
        {"sources": [("python", [0], 0, 0, (), None, b"")]},
        {"sources": [("computed", [0], 0, 0, (), None, b"")]},
        {"id": (b"_id", 1)},
        {"fields": [(b"a", [(b"b", 7)])]},
        {"shard": [(b"a", 7)]},
        {"filter": ([3], bool)},
    ],
)
def test_a_layout_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    assert made()

    with pytest.raises(ValueError, match=r"no |about"):
        made(**changes)
