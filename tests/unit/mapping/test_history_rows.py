"""A history's documents: what each change of a row was, as its mapping shows it."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.compile.plan import Plan
from cdc.mapping.transcode import history_rows
from cdc.mapping.transcode.history_rows import Changed, HistoryRows, of_statement
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition, GtidPosition, MariadbGtids, Position, number
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    event,
    in_python,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

PEOPLE = table(varchar("name"), varchar("secret"), Column("age", FieldType.LONG))
AT = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
EARLIER = datetime(2023, 11, 14, 22, 13, 20, 100_000, tzinfo=UTC)
CHANGED = Changed("uuid:7", EARLIER.timestamp(), AT.timestamp(), 6)
OPTIONS = bson.CodecOptions[dict[str, Any]](tz_aware=True)
INSERT, UPDATE, DELETE = RowsKind.INSERT, RowsKind.UPDATE, RowsKind.DELETE


def person(number: int, name: str | None, secret: str = "", age: int = 1) -> bytes:
    text = None if name is None else prefixed(name.encode())
    return row(number, text, prefixed(secret.encode()), struct.pack("<i", age))


@pytest.fixture(params=["native", "python"])
def python(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "python")


def keeping(python: bool, columns: TableMap = PEOPLE, **mapping: Any) -> HistoryRows:
    found = plan(columns, history="kept", **mapping).history
    assert found is not None
    if python:
        assert isinstance(found.mapper, Plan)
        return HistoryRows(found.collection, in_python(found.mapper), found.full_images)
    return found


def kept(
    rows: HistoryRows, kind: RowsKind, *images: bytes, before: int = 0
) -> list[dict[str, Any]]:

    operations, _ = rows.operations(event(PEOPLE, *images, kind=kind), CHANGED, before)
    assert {each.kind for each in operations} <= {OperationKind.INSERT}
    return [bson.decode(each.document, OPTIONS) for each in operations]


def sides(rows: HistoryRows, kind: RowsKind, *images: bytes) -> list[tuple[Any, ...]]:
    found = kept(rows, kind, *images)
    return [(each["keys"], each["before"], each["after"]) for each in found]


def test_a_change_tells_when_and_what(python: bool) -> None:
    rows = keeping(python, exclude=["secret"])

    (found,) = kept(rows, UPDATE, person(1, "Ann"), person(1, "Anna"), before=3)

    assert found == {
        "_id": {"transaction": "uuid:7", "logged_at": EARLIER, "table": "shop.things", "row": 4},
        "keys": [1],
        "action": "update",
        "committed_at": AT,
        "number": 6,
        "before": {"_id": 1, "name": "Ann", "age": 1},
        "after": {"_id": 1, "name": "Anna", "age": 1},
    }
    assert [*found] == [
        "_id", "keys", "action", "committed_at", "number", "before", "after",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "position",
    [
        FilePosition("binlog.2147483647", (1 << 40) - 1),
        GtidPosition(MariadbGtids.parse(f"0-1-{(1 << 64) - 1},7-1-{(1 << 64) - 1}")),
    ],
)
def test_a_number_larger_than_an_integer_of_mongodb_still_orders(position: Position) -> None:
    last = number(position)
    small, large = (
        of_statement("drop", CHANGED._replace(number=each), "shop.things")
        for each in (last - 1, last)
    )

    numbers = [bson.decode(each.document)["number"] for each in (small, large)]

    assert [int(each.to_decimal()) for each in numbers] == [last - 1, last]


def test_an_operation_names_its_document(python: bool) -> None:
    operations, count = keeping(python).operations(event(PEOPLE, person(1, "Ann")), CHANGED, 0)

    (found,) = operations
    assert count == 1
    assert bson.decode(found.document)["_id"] == bson.decode(found.id[1:])
    assert found.id[:1] == b"\x03"


def test_what_is_new_was_nothing_and_what_is_deleted_becomes_nothing(python: bool) -> None:
    rows = keeping(python, fields={"name": "name"})

    assert sides(rows, INSERT, person(1, "Ann"), person(2, None)) == [
        ([1], None, {"_id": 1, "name": "Ann"}),
        ([2], None, {"_id": 2, "name": None}),
    ]
    assert sides(rows, DELETE, person(1, "Ann")) == [([1], {"_id": 1, "name": "Ann"}, None)]


def test_what_the_mapping_hides_is_not_in_it(python: bool) -> None:
    fields = {"name": {"column": "name", "mask": {"truncate": 1}}, "secret": {"value": "no"}}
    rows = keeping(python, fields=fields)
    was, became = person(1, "Ann", "hush"), person(1, "Bob", "quiet")

    operations, _ = rows.operations(event(PEOPLE, was, became, kind=UPDATE), CHANGED, 0)

    assert not any(each in operations[0].document for each in (b"nn", b"ob", b"hush", b"quiet"))


def test_what_the_mapping_hashes_is_hashed_by_its_key(python: bool) -> None:
    fields = {"name": {"column": "name", "mask": "hash"}}
    rows, inserted = keeping(python, fields=fields), event(PEOPLE, person(1, "Ann"))

    [(_, _, after)] = sides(rows, INSERT, person(1, "Ann"))

    [document] = plan(PEOPLE, fields=fields).operations(inserted, 0)
    assert after == bson.decode(document.document)


def test_an_update_that_changes_nothing_of_the_document_is_not_kept_but_counted(
    python: bool,
) -> None:
    rows = keeping(python, fields={"name": {"column": "name", "mask": {"truncate": 1}}})
    images = (
        person(1, "Ann", "a"), person(1, "Ann", "b"),
        person(2, "Ann"), person(2, "Anna"),
        person(3, "Ann"), person(3, "Bob"),
    )  # fmt: skip

    operations, count = rows.operations(event(PEOPLE, *images, kind=UPDATE), CHANGED, 10)

    assert count == 3
    assert [bson.decode(each.document)["_id"]["row"] for each in operations] == [13]


def test_an_update_that_changes_the_id_names_both(python: bool) -> None:
    rows = keeping(python, fields={"name": "name"})

    assert sides(rows, UPDATE, person(1, "Ann"), person(5, "Ann")) == [
        ([1, 5], {"_id": 1, "name": "Ann"}, {"_id": 5, "name": "Ann"})
    ]


def test_rows_that_where_leaves_out_are_nothing(python: bool) -> None:
    rows = keeping(python, fields={"age": "age"}, where="age > 10")
    young, old = person(1, "Ann", age=5), person(1, "Ann", age=15)

    assert sides(rows, INSERT, young, old) == [([1], None, {"_id": 1, "age": 15})]
    assert sides(rows, UPDATE, young, old, old, young, young, young) == [
        ([1], None, {"_id": 1, "age": 15}),
        ([1], {"_id": 1, "age": 15}, None),
    ]
    assert sides(rows, DELETE, young) == []


def test_a_soft_deleted_row_leaves_its_marked_document(python: bool) -> None:
    mark = {"set": {"gone": "$now"}}
    rows = keeping(python, fields={"age": "age"}, on_delete=mark, where="age > 10")
    young, old = person(1, "Ann", age=5), person(1, "Ann", age=15)
    was, marked = {"_id": 1, "age": 15}, {"_id": 1, "age": 15, "gone": AT}

    assert sides(rows, DELETE, old, young) == [([1], was, marked)]
    assert sides(rows, UPDATE, old, young) == [([1], was, marked)]


def test_a_shard_key_is_nothing_to_it() -> None:
    columns = table(varchar("name"), Column("age", FieldType.LONG, nullable=False))
    mapped = plan(columns, history="kept", shard_key={"age": 1, "_id": 1}).history
    assert mapped is not None
    images = [row(1, prefixed(b"Ann"), struct.pack("<i", age)) for age in (5, 6)]

    [found], _ = mapped.operations(event(columns, *images, kind=UPDATE), CHANGED, 0)

    assert mapped.mapper.layout.shard == ()
    assert bson.decode(found.document)["before"] == {"_id": 1, "name": "Ann", "age": 5}
    assert bson.decode(found.document)["after"] == {"_id": 1, "name": "Ann", "age": 6}


def test_a_row_that_cannot_be_mapped_is_kept_without_its_document(python: bool) -> None:
    rows = keeping(python, fields={"name": "name"})
    bad = row(2, prefixed(b"\xff"), prefixed(b""), struct.pack("<i", 1))
    images = (person(1, "Ann"), person(1, "Bob"), person(2, "Ann"), bad, bad, bad)

    one, other, third = kept(rows, UPDATE, *images)

    assert "missing" not in one
    assert (other["keys"], other["before"], other["after"], other["missing"]) == (
        [2],
        {"_id": 2, "name": "Ann"},
        None,
        {"after": "value"},
    )
    assert (third["keys"], third["missing"]) == ([2], {"before": "value", "after": "value"})


def test_of_two_documents_that_do_not_fit_the_earlier_is_left_out(
    python: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = keeping(python, fields={"name": "name"})
    monkeypatch.setattr(history_rows, "MAX_BYTES", 600)
    short, long, longer = (person(1, "x" * size) for size in (10, 200, 250))

    (found,) = kept(rows, UPDATE, long, longer)
    (fitting,) = kept(rows, UPDATE, short, long)

    assert found["after"] == {"_id": 1, "name": "x" * 250}
    assert (found["before"], found["missing"]) == (None, {"before": "too_large"})
    assert "missing" not in fitting


def test_a_document_that_does_not_fit_alone_leaves_the_other(
    python: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = keeping(python, fields={"name": "name"})
    monkeypatch.setattr(history_rows, "MAX_BYTES", 400)

    (found,) = kept(rows, UPDATE, person(1, "short"), person(1, "x" * 250))

    assert (found["before"], found["after"]) == ({"_id": 1, "name": "short"}, None)
    assert found["missing"] == {"after": "too_large"}


def test_an_image_without_columns_of_the_document_is_refused() -> None:
    rows = keeping(False, fields={"name": "name"})
    only_ids = b"\x01"
    partial = event(PEOPLE, b"\xfe" + struct.pack("<q", 1), kind=DELETE, present=only_ids)

    with pytest.raises(RefusedEvent, match="`name`"):
        rows.operations(partial, CHANGED, 0)


def test_a_damaged_image_is_told(python: bool) -> None:
    rows = keeping(python, where="age > 10")

    with pytest.raises(Corrupted):
        rows.operations(event(PEOPLE, person(1, "Ann")[:-1]), CHANGED, 0)


def test_a_statement_has_no_rows() -> None:
    found = of_statement("truncate", CHANGED, "shop.things")

    assert isinstance(found, Operation)
    assert bson.decode(found.document, OPTIONS) == {
        "_id": {"transaction": "uuid:7", "logged_at": EARLIER, "table": "shop.things", "row": 0},
        "keys": [],
        "action": "truncate",
        "committed_at": AT,
        "number": 6,
        "before": None,
        "after": None,
    }


def test_a_history_counts_nothing_a_second_time(python: bool) -> None:
    mapped = plan(table(Column("day", FieldType.DATE)), history="kept")
    zero = event(table(Column("day", FieldType.DATE)), row(1, bytes(3)))

    mapped.operations(zero, 0)
    assert mapped.history is not None
    mapped.history.operations(zero, CHANGED, 0)

    assert sum(mapped.losses.values()) == 1
    assert not mapped.maps_runs_of(zero)
