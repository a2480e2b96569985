"""Documents whose place is more than their `_id`: the values of a shard key's fields."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bson
import pytest

from cdc.mapping.compile.plan import Plan
from cdc.model.dead_letter import FailedRow
from cdc.model.operation import OperationKind
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsEvent, RowsKind
from tests.unit.mapping.support.row_images import (
    COMMITTED_AT,
    event,
    in_python,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

INSERT, REPLACE, DELETE = OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE
TENANT = Column("tenant", FieldType.LONG, nullable=False)
DAY = Column("day", FieldType.DATE, nullable=False)
ORDERS = table(TENANT, varchar("note"))
KEY = {"tenant": 1, "_id": 1}

Reading = Callable[[Plan], Plan]


def as_it_is(mapped: Plan) -> Plan:
    return mapped


both = pytest.mark.parametrize("reading", [as_it_is, in_python])


def order(number: int, tenant: int, note: str = "n") -> bytes:
    return row(number, struct.pack("<i", tenant), prefixed(note.encode()))


def made(mapped: Plan, rows: RowsEvent) -> list[tuple[OperationKind, dict[str, Any]]]:
    found = mapped.operations(rows, COMMITTED_AT)
    return [(one.kind, bson.decode(one.document) if one.document else {}) for one in found]


@both
def test_a_deletion_carries_the_values_of_the_shard_key_as_they_were(reading: Reading) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY))

    found = made(mapped, event(ORDERS, order(1, 7), order(2, 8), kind=RowsKind.DELETE))

    assert found == [(DELETE, {"_id": 1, "tenant": 7}), (DELETE, {"_id": 2, "tenant": 8})]


@both
def test_a_changed_value_of_the_shard_key_is_a_deletion_and_a_write(reading: Reading) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY))

    found = made(mapped, event(ORDERS, order(1, 7), order(1, 9), kind=RowsKind.UPDATE))

    assert found == [
        (DELETE, {"_id": 1, "tenant": 7}),
        (REPLACE, {"_id": 1, "tenant": 9, "note": "n"}),
    ]


@both
def test_an_update_in_its_place_is_a_write(reading: Reading) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY))

    found = made(mapped, event(ORDERS, order(1, 7), order(1, 7, "m"), kind=RowsKind.UPDATE))

    assert found == [(REPLACE, {"_id": 1, "tenant": 7, "note": "m"})]


@both
def test_a_changed_id_deletes_the_old_place(reading: Reading) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY))

    found = made(mapped, event(ORDERS, order(1, 7), order(2, 8), kind=RowsKind.UPDATE))

    assert found == [
        (DELETE, {"_id": 1, "tenant": 7}),
        (REPLACE, {"_id": 2, "tenant": 8, "note": "n"}),
    ]


@both
def test_a_row_that_the_filter_admits_no_longer_is_deleted_from_its_place(
    reading: Reading,
) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY, where="note = 'n'"))
    moved = event(
        ORDERS, order(1, 7), order(1, 9, "m"), order(2, 7, "m"), order(2, 8), kind=RowsKind.UPDATE
    )

    assert made(mapped, moved) == [
        (DELETE, {"_id": 1, "tenant": 7}),
        (REPLACE, {"_id": 2, "tenant": 8, "note": "n"}),
    ]


@both
def test_a_nested_field_stays_nested(reading: Reading) -> None:
    fields = {"of.tenant": "tenant", "of.note": "note"}
    mapped = reading(plan(ORDERS, shard_key={"of.tenant": "hashed"}, fields=fields))

    found = made(mapped, event(ORDERS, order(1, 7), kind=RowsKind.DELETE))

    assert found == [(DELETE, {"_id": 1, "of": {"tenant": 7}})]


@both
def test_a_key_of_the_id_alone_is_nothing_new(reading: Reading) -> None:
    mapped = reading(plan(ORDERS, shard_key={"_id": "hashed"}))

    found = made(mapped, event(ORDERS, order(1, 7), order(1, 9), kind=RowsKind.UPDATE))

    assert found == [(REPLACE, {"_id": 1, "tenant": 9, "note": "n"})]


@both
def test_a_row_without_a_place_fails_and_had_no_document(reading: Reading) -> None:
    columns = table(DAY)
    mapped = reading(plan(columns, shard_key={"day": 1}))
    day, never = (2024 << 9 | 1 << 5 | 2).to_bytes(3, "little"), bytes(3)
    failed: list[FailedRow] = []

    found = mapped.operations(
        event(columns, row(1, never), row(2, day)), COMMITTED_AT, failed.append
    )
    gone = mapped.operations(event(columns, row(1, never), kind=RowsKind.DELETE), COMMITTED_AT)

    assert [one.id[1] for one in found] == [2]
    assert [(one.error.reason, one.error.column) for one in failed] == [
        ("NULL in the shard key", "day")
    ]
    assert gone == []


@both
def test_a_row_that_moves_and_cannot_be_mapped_leaves_nothing_at_its_old_place(
    reading: Reading,
) -> None:
    mapped = reading(plan(ORDERS, shard_key=KEY))
    bad = row(1, struct.pack("<i", 9), prefixed(b"\xff"))
    stays = row(2, struct.pack("<i", 7), prefixed(b"\xff"))
    failed: list[FailedRow] = []

    found = mapped.operations(
        event(ORDERS, order(1, 7), bad, order(2, 7), stays, kind=RowsKind.UPDATE),
        COMMITTED_AT,
        failed.append,
    )

    assert [(one.kind, bson.decode(one.document)) for one in found] == [
        (DELETE, {"_id": 1, "tenant": 7})
    ]
    assert [one.id[1] for one in failed] == [1, 2]


def test_the_before_image_must_hold_the_shard_key() -> None:
    mapped = plan(ORDERS, shard_key=KEY, exclude="note")

    assert mapped.needed == {"id", "tenant"}


def test_the_native_module_maps_them_at_once() -> None:
    mapped = plan(ORDERS, shard_key=KEY)
    native = mapped._native
    if native is None:
        pytest.skip("without the native module")

    made(mapped, event(ORDERS, order(1, 7), order(1, 9), kind=RowsKind.UPDATE))

    assert mapped.counts.left_rows == 0
    assert replace(mapped).maps_runs_of(event(ORDERS, order(1, 7)))
