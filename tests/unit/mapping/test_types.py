import struct
import uuid
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.decimal128 import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import RecordError
from cdc.mapping.types import decimals, floats
from cdc.model.table_map import Column, FieldType
from tests.unit.mapping.support.row_images import (
    documents,
    plan,
    prefixed,
    row,
    table,
    values,
    varchar,
)

INTEGERS = [
    (FieldType.TINY, 1),
    (FieldType.SHORT, 2),
    (FieldType.INT24, 3),
    (FieldType.LONG, 4),
    (FieldType.LONGLONG, 8),
]


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize(("kind", "size"), INTEGERS)
def test_integers_keep_their_limits(kind: FieldType, size: int, unsigned: bool) -> None:
    bits = 8 * size
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    numbers = [low, low + 1, 0, 1, high // 2, high - 1, high]
    if unsigned and size == 8:
        numbers = [0, 1, (1 << 63) - 1]

    found = values(
        Column("n", kind, unsigned=unsigned),
        *(number.to_bytes(size, "little", signed=not unsigned) for number in numbers),
    )

    assert found == numbers
    wide = size == 8 or (size == 4 and unsigned)
    assert all(isinstance(one, bson.Int64) is wide for one in found)


def test_a_bigint_above_the_range_of_int64_becomes_decimal128() -> None:
    column = Column("n", FieldType.LONGLONG, unsigned=True)

    found = values(column, *(struct.pack("<Q", one) for one in (1 << 63, (1 << 64) - 1, 5)))

    assert found == [Decimal128(str(1 << 63)), Decimal128(str((1 << 64) - 1)), 5]


def test_type_bool_makes_a_bool_of_an_integer() -> None:
    assert values(Column("n", FieldType.TINY), b"\0", b"\1", b"\xff", None, type="bool") == [
        False,
        True,
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("int64", bson.Int64(-7)),
        ("double", -7.0),
        ("decimal", Decimal128("-7")),
        ("string", "-7"),
    ],
)
def test_an_integer_becomes_what_type_asks_for(wanted: str, expected: object) -> None:
    (found,) = values(Column("n", FieldType.LONG), struct.pack("<i", -7), type=wanted)

    assert (type(found), found) == (type(expected), expected)


def test_doubles_are_copied() -> None:
    column = Column("n", FieldType.DOUBLE)

    assert values(column, struct.pack("<d", 0.1), struct.pack("<d", -1e308)) == [0.1, -1e308]


def test_a_float_becomes_the_double_that_prints_like_it() -> None:
    column = Column("n", FieldType.FLOAT)

    found = values(column, *(struct.pack("<f", one) for one in (0.1, 16777216.0, 3.4028235e38)))

    assert found == [0.1, 16777216.0, 3.4028235e38]


@given(st.floats(width=32, allow_nan=False))
def test_the_shortest_decimal_of_a_float_reads_back(number: float) -> None:
    raw = struct.pack("<f", number)

    assert struct.pack("<f", floats.shortest(raw)) == raw


def decimal_bytes(number: int, precision: int, scale: int) -> bytes:
    """`number` × 10^-scale as `decimal2bin` writes it."""
    digits = str(abs(number)).rjust(precision, "0")
    raw, at = b"", 0
    for size in decimals.groups(precision, scale):
        group = int(digits[at : at + size])
        raw += group.to_bytes(decimals.GROUP_BYTES[size], "big")
        at += size
    raw = bytes((raw[0] ^ 0x80,)) + raw[1:]
    return bytes(byte ^ 0xFF for byte in raw) if number < 0 else raw


def test_decimals_are_read_as_the_format_documents_them() -> None:
    column = Column("n", FieldType.NEWDECIMAL, precision=14, scale=4)

    found = values(
        column,
        bytes.fromhex("810dfb38d204d2"),
        bytes.fromhex("7ef204c72dfb2d"),
    )

    assert found == [Decimal128("1234567890.1234"), Decimal128("-1234567890.1234")]


@given(st.data())
def test_a_decimal_of_any_size_keeps_its_digits(data: st.DataObject) -> None:
    precision = data.draw(st.integers(1, 65))
    scale = data.draw(st.integers(0, min(30, precision)))
    number = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    column = Column("n", FieldType.NEWDECIMAL, precision=precision, scale=scale)

    (found,) = values(column, decimal_bytes(number, precision, scale))

    if precision > 34:
        assert isinstance(found, str)
        whole, _, fraction = found.partition(".")
        assert len(fraction) == scale
        assert int(whole.replace("-", "") + fraction) == abs(number)
        assert found.startswith("-") is (number < 0)
    else:
        sign, digits, exponent = found.to_decimal().as_tuple()
        assert exponent == -scale
        assert int("".join(map(str, digits))) * (-1 if sign else 1) == number


def datetime_bytes(fraction: bytes, *parts: int) -> bytes:
    year, month, day, hour, minute, second = parts
    packed = (year * 13 + month) << 22 | day << 17 | hour << 12 | minute << 6 | second
    return (1 << 39 | packed).to_bytes(5, "big") + fraction


@pytest.mark.parametrize(
    ("scale", "fraction", "milliseconds"),
    [
        (0, b"", 0),
        (1, b"\x5a", 900),
        (2, b"\x63", 990),
        (3, (9990).to_bytes(2, "big"), 999),
        (4, (9999).to_bytes(2, "big"), 999),
        (5, (999990).to_bytes(3, "big"), 999),
        (6, (123456).to_bytes(3, "big"), 123),
    ],
)
def test_datetimes_and_timestamps_keep_their_milliseconds(
    scale: int, fraction: bytes, milliseconds: int
) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 58, milliseconds * 1000)
    seconds = int(moment.replace(microsecond=0, tzinfo=UTC).timestamp())

    assert values(
        Column("t", FieldType.DATETIME2, scale=scale),
        datetime_bytes(fraction, 2024, 2, 29, 23, 59, 58),
    ) == [moment]
    assert values(
        Column("t", FieldType.TIMESTAMP2, scale=scale),
        seconds.to_bytes(4, "big") + fraction,
    ) == [moment]


def test_dates_reach_from_the_year_1_to_9999() -> None:
    days = [(1, 1, 1), (1969, 12, 31), (9999, 12, 31)]
    raws = [(y << 9 | m << 5 | d).to_bytes(3, "little") for y, m, d in days]

    assert values(Column("d", FieldType.DATE), *raws) == [datetime(*day) for day in days]


@pytest.mark.parametrize(
    ("column", "raw", "text"),
    [
        (Column("d", FieldType.DATE), bytes(3), "0000-00-00"),
        (Column("d", FieldType.DATE), (2024 << 9).to_bytes(3, "little"), "2024-00-00"),
        (
            Column("d", FieldType.DATETIME2, scale=0),
            datetime_bytes(b"", 0, 0, 0, 0, 0, 0),
            "0000-00-00 00:00:00",
        ),
        (
            Column("d", FieldType.DATETIME2, scale=6),
            datetime_bytes(b"\0\0\1", 2023, 2, 31, 1, 2, 3),
            "2023-02-31 01:02:03.000001",
        ),
        (Column("d", FieldType.TIMESTAMP2, scale=2), bytes(5), "0000-00-00 00:00:00.00"),
    ],
)
def test_no_dates_of_the_calendar_become_null_or_what_select_prints(
    column: Column, raw: bytes, text: str
) -> None:
    compiled = plan(table(column))

    assert values(column, raw) == [None]
    assert values(column, raw, type="string") == [text]
    assert not compiled.losses


def test_dates_that_became_null_are_counted() -> None:
    from tests.unit.mapping.support.row_images import event

    columns = table(Column("d", FieldType.DATE))
    compiled = plan(columns)

    compiled.operations(event(columns, row(1, bytes(3)), row(2, bytes(3))), 0)

    assert compiled.losses == {("d", "zero_date"): 2}


def test_text_is_copied_and_may_hold_nul() -> None:
    assert values(varchar("s"), prefixed("süß\0🐬".encode()), prefixed(b"")) == ["süß\0🐬", ""]


def test_text_that_is_not_utf8_is_an_error_of_the_record() -> None:
    with pytest.raises(RecordError, match="`s`"):
        values(varchar("s"), prefixed(b"\xed\xa0\x80"))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_blobs_of_every_size_are_copied(size: int) -> None:
    column = Column("b", FieldType.BLOB, length_bytes=size, collation=63)

    assert values(column, prefixed(b"\0\xff\0", size)) == [b"\0\xff\0"]


def test_binary_has_its_full_length() -> None:
    column = Column("b", FieldType.STRING, length=5, collation=63)

    assert values(column, prefixed(b"\1\2"), prefixed(b"")) == [b"\1\2\0\0\0", bytes(5)]


def test_a_char_longer_than_255_bytes_has_a_length_of_two_bytes() -> None:
    column = Column("c", FieldType.STRING, length=1020, collation=255)

    assert values(column, prefixed(b"x" * 300, 2)) == ["x" * 300]


@pytest.mark.parametrize("size", [1, 2])
def test_an_enum_is_the_string_of_its_member(size: int) -> None:
    column = Column("e", FieldType.ENUM, length=size, members=("rot", "grün", ""))

    found = values(column, *(at.to_bytes(size, "little") for at in (0, 1, 2, 3)))

    assert found == ["", "rot", "grün", ""]


def test_an_enum_beyond_its_members_is_an_error_of_the_record() -> None:
    with pytest.raises(RecordError, match="`e`"):
        values(Column("e", FieldType.ENUM, length=1, members=("a",)), b"\2")


def test_json_text_becomes_native_bson() -> None:
    column = Column("j", FieldType.BLOB, length_bytes=4, collation=45)
    text = '{"b": [1, 2.5, null, true, "ü"], "a": {}, "n": 5000000000, "big": 18446744073709551615}'

    (found,) = values(column, prefixed(text.encode(), 4), type="json")

    assert list(found) == ["b", "a", "n", "big"]
    assert found["b"] == [1, 2.5, None, True, "ü"]
    assert found["big"] == Decimal128("18446744073709551615")


def test_json_text_that_is_not_json_is_an_error_of_the_record() -> None:
    column = Column("j", FieldType.BLOB, length_bytes=4, collation=45)

    with pytest.raises(RecordError, match="`j`"):
        values(column, prefixed(b"{nope", 4), type="json")


def test_uuids_and_addresses_are_made_of_their_bytes() -> None:
    number = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
    sixteen = Column("b", FieldType.STRING, length=16, collation=63)
    four = Column("b", FieldType.STRING, length=4, collation=63)

    def one(column: Column, raw: bytes, wanted: str) -> Any:
        return values(column, prefixed(raw), type=wanted)[0]

    assert one(sixteen, number.bytes, "uuid") == bson.Binary(number.bytes, 4)
    assert one(sixteen, b"\x20\x01\x0d\xb8", "inet6") == "2001:db8::"
    assert one(four, b"\x0a\x01", "inet4") == "10.1.0.0"


def test_columns_that_no_field_needs_are_stepped_over() -> None:
    columns = table(
        Column("a", FieldType.SHORT),
        varchar("b"),
        Column("c", FieldType.DOUBLE),
        Column("d", FieldType.BLOB, length_bytes=3, collation=63),
        Column("e", FieldType.LONG),
    )
    one = row(1, b"\1\0", prefixed(b"b"), bytes(8), prefixed(b"dd", 3), struct.pack("<i", 77))

    assert documents(columns, one, fields={"e": "e"}) == [{"_id": 1, "e": 77}]


@pytest.mark.parametrize(
    ("column", "raw"),
    [
        (Column("b", FieldType.BIT, bits=1), b"\x02"),
        (Column("b", FieldType.BIT, bits=9), b"\x02\x00"),
        (Column("b", FieldType.BIT, bits=63), b"\x80" + bytes(7)),
        (Column("d", FieldType.NEWDECIMAL, precision=9, scale=0), b"\xbb\x9a\xca\x00"),
        (Column("d", FieldType.NEWDECIMAL, precision=12, scale=2), b"\x80\0\0\0\x00\x64"),
        (Column("d", FieldType.NEWDECIMAL, precision=6, scale=6), b"\x8f\x42\x40"),
        (Column("d", FieldType.NEWDECIMAL, precision=20, scale=0), b"\x80\x64" + bytes(8)),
        (Column("t", FieldType.TIME2), (1 << 23 | 60 << 6).to_bytes(3, "big")),
        (Column("t", FieldType.TIME2), (1 << 23 | 60).to_bytes(3, "big")),
        (Column("t", FieldType.TIME2), (1 << 23 | 839 << 12).to_bytes(3, "big")),
        (Column("t", FieldType.TIME2, scale=1), (1 << 31 | 100).to_bytes(4, "big")),
        (Column("t", FieldType.TIME2, scale=6), (1 << 47 | 1_000_000).to_bytes(6, "big")),
        (Column("t", FieldType.TIME2, scale=6), bytes(6)),
    ],
)
def test_what_no_server_writes_is_an_error_of_the_record(column: Column, raw: bytes) -> None:
    with pytest.raises(RecordError):
        values(column, raw)
