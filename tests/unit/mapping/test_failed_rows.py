"""Rows that cannot be carried over, while the event's other rows go on."""

import struct
from typing import Any

import bson
import pytest

from cdc.model.dead_letter import FailedRow
from cdc.model.operation import Operation, OperationKind
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    COMMITTED_AT,
    ID,
    event,
    image,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

NAME = varchar("name")
AGE = Column("age", FieldType.LONG)
PEOPLE = table(NAME, AGE)
ANN = row(1, prefixed(b"Ann"), struct.pack("<i", 30))
BAD = row(2, prefixed(b"Bob\xff"), None)
CYD = row(3, None, None)


def mapped(
    columns: TableMap, *images: bytes, kind: RowsKind = RowsKind.INSERT, **mapping: Any
) -> tuple[list[Operation], list[FailedRow]]:
    failed: list[FailedRow] = []
    compiled = plan(columns, **mapping)
    found = compiled.operations(event(columns, *images, kind=kind), COMMITTED_AT, failed.append)
    return found, failed


def numbers(operations: list[Operation]) -> list[tuple[OperationKind, int]]:
    return [(one.kind, one.id[1]) for one in operations]


def test_the_rows_around_it_are_mapped() -> None:
    found, failed = mapped(PEOPLE, ANN, BAD, ANN, BAD, BAD, CYD)

    assert [number for _, number in numbers(found)] == [1, 1, 3]
    assert len(failed) == 3


def test_it_is_told_by_id_and_by_what_of_it_can_be_mapped() -> None:
    _, [failed] = mapped(PEOPLE, BAD)

    assert failed.id == b"\x12" + struct.pack("<q", 2)
    assert bson.decode(failed.document) == {"_id": 2, "age": None}
    assert failed.kind is RowsKind.INSERT
    assert (failed.error.column, failed.error.reason) == ("name", "UnicodeDecodeError")
    assert failed.error.table == "shop.things"


def test_what_is_told_of_it_is_masked_as_the_document_is() -> None:
    fields = {"name": "name", "age": {"column": "age", "mask": "redact"}}

    _, [failed] = mapped(PEOPLE, row(2, prefixed(b"\xff"), struct.pack("<i", 7)), fields=fields)

    assert bson.decode(failed.document) == {"_id": 2, "age": "***"}


@pytest.mark.parametrize("images", [(ANN, BAD), (BAD, BAD), (BAD, ANN)])
def test_an_update_fails_as_a_whole_row(images: tuple[bytes, bytes]) -> None:
    found, failed = mapped(PEOPLE, ANN, ANN, *images, CYD, CYD, kind=RowsKind.UPDATE)

    assert next(n for kind, n in numbers(found) if kind is OperationKind.REPLACE) == 1
    assert numbers(found)[-1] == (OperationKind.REPLACE, 3)
    assert len(failed) == (images[1] is BAD)


def test_an_update_of_the_id_still_takes_the_old_document_away() -> None:
    found, [failed] = mapped(PEOPLE, ANN, BAD, kind=RowsKind.UPDATE)

    assert numbers(found) == [(OperationKind.DELETE, 1)]
    assert failed.id[1] == 2


def test_an_update_that_keeps_the_id_leaves_the_document_as_it_was() -> None:
    found, [failed] = mapped(PEOPLE, row(2, None, None), BAD, kind=RowsKind.UPDATE)

    assert (found, failed.id[1]) == ([], 2)


def test_a_row_whose_id_cannot_be_told_is_told_without_one() -> None:
    columns = TableMap("shop", "things", (ID, NAME), (0,), (0,))

    _, [failed] = mapped(columns, image(None, prefixed(b"Ann")))

    assert failed.id == b""
    assert bson.decode(failed.document) == {"name": "Ann"}


def test_a_delete_needs_nothing_but_the_id() -> None:
    found, failed = mapped(PEOPLE, BAD, kind=RowsKind.DELETE)

    assert (numbers(found), failed) == ([(OperationKind.DELETE, 2)], [])


def test_a_soft_delete_that_cannot_be_mapped_is_told() -> None:
    on_delete = {"set": {"gone": True}}

    found, failed = mapped(PEOPLE, BAD, ANN, kind=RowsKind.DELETE, on_delete=on_delete)

    assert numbers(found) == [(OperationKind.REPLACE, 1)]
    assert [(one.id[1], one.kind) for one in failed] == [(2, RowsKind.DELETE)]


FILTERED = {"where": "name = 'kept'", "fields": {"age": "age"}}
KEPT = row(2, prefixed(b"kept"), None)
NOT_KEPT = row(2, prefixed(b"not kept"), None)
NO_TEXT = row(2, prefixed(b"\xff"), None)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(KEPT, [(OperationKind.REPLACE, 2)]), (NOT_KEPT, [(OperationKind.DELETE, 2)])],
)
def test_an_update_mends_a_row_that_the_filter_failed_on(
    after: bytes, expected: list[tuple[OperationKind, int]]
) -> None:
    found, failed = mapped(PEOPLE, NO_TEXT, after, kind=RowsKind.UPDATE, **FILTERED)

    assert (numbers(found), failed) == (expected, [])


def test_a_delete_takes_the_document_away_whatever_the_filter_fails_on() -> None:
    found, failed = mapped(PEOPLE, NO_TEXT, kind=RowsKind.DELETE, **FILTERED)

    assert (numbers(found), failed) == ([(OperationKind.DELETE, 2)], [])


def test_a_row_that_the_filter_fails_on_is_told_by_its_id() -> None:
    found, [failed] = mapped(PEOPLE, KEPT, NO_TEXT, KEPT, KEPT, kind=RowsKind.UPDATE, **FILTERED)

    assert numbers(found) == [(OperationKind.REPLACE, 2)]
    assert (failed.id[1], failed.operations_before) == (2, 0)


@pytest.mark.parametrize("filtered", [{}, {"where": "age IS NULL"}])
def test_an_update_gives_a_row_without_an_id_its_first_one(filtered: dict[str, Any]) -> None:
    columns = TableMap("shop", "things", (ID, NAME, AGE), (0,), (0,))
    without, given = row(4, prefixed(b"Ann"), None), row(5, prefixed(b"Ann"), None)
    rule = {**filtered, "id": {"sql": "NULLIF(id, 4)", "unique": "asserted"}}

    found, failed = mapped(columns, without, given, kind=RowsKind.UPDATE, **rule)
    gone, lost = mapped(columns, without, given, kind=RowsKind.DELETE, **rule)

    assert (numbers(found), failed) == ([(OperationKind.REPLACE, 5)], [])
    assert (numbers(gone), lost) == ([(OperationKind.DELETE, 5)], [])


@pytest.mark.parametrize("kind", [RowsKind.UPDATE, RowsKind.DELETE])
@pytest.mark.parametrize("filtered", [{}, {"where": "age IS NULL"}])
def test_null_in_the_key_of_a_row_that_is_gone_is_told(
    kind: RowsKind, filtered: dict[str, Any]
) -> None:
    """Else the document of the row would be left, and nobody would miss it."""
    damaged, after = image(None, prefixed(b"Ann"), None), row(5, prefixed(b"Ann"), None)
    images = [damaged, after, after, after] if kind is RowsKind.UPDATE else [damaged, after]

    found, [failed] = mapped(PEOPLE, *images, kind=kind, **filtered)

    assert "`id` is part of the id and NOT NULL, but holds NULL" in failed.error.message
    assert failed.kind is kind
    assert numbers(found)[-1][1] == 5


def test_what_comes_before_a_failed_row_is_counted() -> None:
    _, failed = mapped(PEOPLE, ANN, BAD, CYD, BAD)

    assert [each.operations_before for each in failed] == [1, 2]


def test_null_in_a_column_that_has_none_fails_an_expression_over_it() -> None:
    columns = table(Column("age", FieldType.LONG, nullable=False))
    fields = {"next": {"sql": "age + 1"}}

    found, [failed] = mapped(columns, row(1, None), row(2, struct.pack("<i", 1)), fields=fields)

    assert [number for _, number in numbers(found)] == [2]
    assert failed.error.column == "next"
