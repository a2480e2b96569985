"""Documents that outlive their rows."""

import struct
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from cdc.mapping.file.problems import MappingError
from cdc.model.operation import Operation, OperationKind
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import operations, plan, prefixed, row, table, varchar

PEOPLE = table(varchar("name"), Column("gone_at", FieldType.DATETIME2))
ANN = row(1, prefixed(b"Ann"), None)
BOB = row(2, None, None)
NOW = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
MARK = {"set": {"gone.at": "$now", "gone.by": "cdc"}}


def decoded(found: list[Operation]) -> list[tuple[OperationKind, dict[str, Any]]]:
    options = bson.CodecOptions[dict[str, Any]](tz_aware=True)
    return [(one.kind, bson.decode(one.document, options)) for one in found]


def test_a_deleted_row_leaves_its_last_document_with_the_fields_set() -> None:
    found = operations(PEOPLE, ANN, kind=RowsKind.DELETE, on_delete=MARK)

    assert decoded(found) == [
        (
            OperationKind.REPLACE,
            {"_id": 1, "name": "Ann", "gone_at": None, "gone": {"at": NOW, "by": "cdc"}},
        )
    ]
    assert found[0].id == b"\x12" + struct.pack("<q", 1)


def test_a_field_that_is_set_is_replaced_in_its_place() -> None:
    on_delete = {"set": {"gone_at": "$now", "n.a": True}}
    fields = {"gone_at": "gone_at", "n.b": {"value": 1}, "name": "name"}

    ((_, found),) = decoded(
        operations(PEOPLE, ANN, kind=RowsKind.DELETE, on_delete=on_delete, fields=fields)
    )

    assert list(found.items()) == [
        ("_id", 1),
        ("gone_at", NOW),
        ("n", {"b": 1, "a": True}),
        ("name", "Ann"),
    ]


def test_an_insert_and_an_update_write_documents_without_the_mark() -> None:
    (inserted,) = operations(PEOPLE, ANN, on_delete=MARK)
    (updated,) = operations(PEOPLE, ANN, ANN, kind=RowsKind.UPDATE, on_delete=MARK)

    assert bson.decode(inserted.document) == {"_id": 1, "name": "Ann", "gone_at": None}
    assert (inserted.kind, updated.kind) == (OperationKind.INSERT, OperationKind.REPLACE)
    assert inserted.document == updated.document


def test_a_changed_id_marks_the_old_document_and_writes_the_new_one() -> None:
    found = operations(PEOPLE, ANN, BOB, kind=RowsKind.UPDATE, on_delete=MARK)

    assert decoded(found) == [
        (
            OperationKind.REPLACE,
            {"_id": 1, "name": "Ann", "gone_at": None, "gone": {"at": NOW, "by": "cdc"}},
        ),
        (OperationKind.REPLACE, {"_id": 2, "name": None, "gone_at": None}),
    ]


def test_rows_with_unusual_values_are_marked_too() -> None:
    zero = (1 << 39).to_bytes(5, "big")

    found = operations(PEOPLE, row(3, None, zero), ANN, kind=RowsKind.DELETE, on_delete=MARK)

    assert [one["gone"]["at"] for _, one in decoded(found)] == [NOW, NOW]


def test_a_replay_gives_the_same_bytes() -> None:
    one, two = (
        operations(PEOPLE, ANN, kind=RowsKind.DELETE, on_delete=MARK, nulls="omit")
        for _ in range(2)
    )

    assert one == two


@pytest.mark.parametrize("path", ["name.at", "gone_at.x"])
def test_a_mark_below_a_column_is_a_mistake(path: str) -> None:
    with pytest.raises(MappingError, match=f"`{path}` nests below"):
        plan(PEOPLE, on_delete={"set": {path: "$now"}})


def test_the_generated_source_shows_what_stays() -> None:
    assert "def gone(images, p, now):" in plan(PEOPLE, on_delete=MARK).generated_source
    assert "def gone" not in plan(PEOPLE).generated_source
