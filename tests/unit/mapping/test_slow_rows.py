"""A row that generated code does not cover is counted, once."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from cdc.errors import RecordError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.counts import MappingCounts, TableCounts
from cdc.mapping.file.mapping import Mapping
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    event,
    image,
    in_python,
    prefixed,
    row,
    table,
    varchar,
)

BORN = table(Column("born", FieldType.DATE))
ORDINARY, ZERO = ((2020 << 9 | 2 << 5 | 3).to_bytes(3, "little"), bytes(3))
LARGE = 1 << 63
NUMBERS = TableMap(
    "shop", "numbers", (Column("id", FieldType.LONGLONG, False, unsigned=True),), (0,), (0,)
)
MARK = {"on_delete": {"set": {"gone": "$now"}}}


def slow(
    columns: TableMap, *images: bytes, kind: RowsKind = RowsKind.INSERT, **mapping: Any
) -> int:
    """How many rows of an event are slow; the native module has a way of its own."""
    rule = Mapping(source=columns.name, target="things", **mapping)
    counts = TableCounts()
    mapped = in_python(compile_plan(rule, columns, counts=counts))
    mapped.operations(event(columns, *images, kind=kind), 0)
    return counts.slow_rows


def test_ordinary_rows_are_not_slow() -> None:
    rows = [row(1, ORDINARY), row(2, None)] * 2

    assert [slow(BORN, *rows, kind=kind) for kind in RowsKind] == [0, 0, 0]


def test_a_row_with_an_unusual_value_is_slow() -> None:
    assert slow(BORN, row(1, ORDINARY), row(2, ZERO), row(3, ZERO)) == 2


@pytest.mark.parametrize("before", [ORDINARY, ZERO, None])
def test_an_update_is_one_row(before: bytes | None) -> None:
    assert slow(BORN, row(1, before), row(1, ZERO), kind=RowsKind.UPDATE) == 1


@pytest.mark.parametrize(("before", "now", "count"), [(LARGE, LARGE, 1), (LARGE, 1, 0)])
def test_of_an_update_the_image_after_it_counts(before: int, now: int, count: int) -> None:
    images = [image(struct.pack("<Q", number)) for number in (before, now)]

    assert slow(NUMBERS, *images, kind=RowsKind.UPDATE) == count


@pytest.mark.parametrize("rule", [{}, MARK])
def test_a_deleted_row_is_slow_if_what_stays_of_it_is_read_again(rule: dict[str, Any]) -> None:
    found = slow(BORN, row(1, ZERO), kind=RowsKind.DELETE, **rule)

    assert found == (1 if rule else 0)


def test_a_row_that_cannot_be_carried_over_is_slow() -> None:
    names, counts = table(varchar("name")), TableCounts()
    mapped = compile_plan(Mapping(source=names.name, target="things"), names, counts=counts)

    with pytest.raises(RecordError):
        mapped.operations(event(names, row(5, prefixed(b"\xff"))), 0)

    assert counts.slow_rows == 1


def test_rows_beyond_the_limit_of_patterns_are_slow() -> None:
    columns = table(*(Column(f"c{at}", FieldType.TINY) for at in range(4096)))
    rows = [
        row(number, *(None if at == number else struct.pack("b", 1) for at in range(4096)))
        for number in range(5)
    ]

    assert slow(columns, *rows) == 3


def test_the_counts_of_a_table_s_threads_are_summed() -> None:
    counts = MappingCounts()
    counts.of("shop.things").slow_rows += 3
    counts.of("shop.things").slow_rows += 1

    assert counts.slow_rows() == {"shop.things": 4}
