from __future__ import annotations

import pytest

from cdc.errors import RefusedEvent
from cdc.model.table_map import FieldType
from cdc.readers.binlog.signedness import unsigned, years_have_bits

INT, YEAR, TEXT = FieldType.LONG, FieldType.YEAR, FieldType.VARCHAR
TABLE = [INT, YEAR, TEXT, INT, INT]


def read(bits: int, types: list[FieldType], *, years: bool | None) -> list[bool]:
    return unsigned(bytes([bits]), types, years=years, table="shop.items")


@pytest.mark.parametrize(
    ("version", "have"),
    [
        ("8.0.15", False),
        ("8.0.20-11", False),
        ("8.0.21", None),
        ("8.0.28", None),
        ("8.0.29", True),
        ("8.0.31-debug", True),
        ("8.4.3", True),
        ("9.7.4-2", True),
    ],
)
def test_a_version_tells_whether_years_have_bits(version: str, have: bool | None) -> None:
    assert years_have_bits(version) is have


@pytest.mark.parametrize(("years", "bits"), [(True, 0b0110_0000), (False, 0b0100_0000)])
def test_a_column_behind_a_year_has_its_own_bit(years: bool, bits: int) -> None:
    assert read(bits, TABLE, years=years) == [False, True, False, True, False]


def test_a_table_without_years_does_not_ask_for_the_version() -> None:
    assert read(0b1010_0000, [INT, TEXT, INT, INT], years=None) == [True, False, False, True]


def test_a_year_without_its_bit_tells_that_years_have_none() -> None:
    assert read(0b0001_0000, [INT, YEAR, INT, INT, INT], years=None) == [
        *(False, True),
        *(False, False, True),
    ]


def test_bits_that_are_too_few_tell_that_years_have_none() -> None:
    types = [*[INT] * 4, YEAR, *[INT] * 4]

    assert read(0b0000_1001, types, years=None) == [*[False] * 4, True, True, False, False, True]


def test_what_reads_the_same_either_way_is_read() -> None:
    assert read(0b0100_0000, [INT, YEAR, TEXT], years=None) == [False, True, False]


def test_where_it_is_not_known_and_matters_the_table_is_refused_by_name() -> None:
    with pytest.raises(RefusedEvent, match="behind a YEAR are unsigned") as caught:
        read(0b0100_0000, TABLE, years=None)

    assert caught.value.table == "shop.items"
    assert "8.0.29" in str(caught.value.remedy)


def test_too_few_bits_are_damage() -> None:
    with pytest.raises(StopIteration):
        read(0, [INT] * 9, years=True)
