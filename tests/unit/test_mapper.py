"""What the mapper makes of transactions whose tables keep a history."""

from __future__ import annotations

import struct
from typing import Any

import bson

from cdc.mapper import Mapper
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import GtidPosition, MariadbGtids
from cdc.model.state_change import DdlEffect
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, RowsKind, SchemaChange, Transaction
from cdc.model.witness import Witness
from tests.unit.mapping.support.row_images import ID, event, image

KEPT, OTHER = (TableMap("shop", name, (ID,), (0,), (0,)) for name in ("orders", "others"))
BEFORE = GtidPosition(MariadbGtids.parse("0-1-41"))
AFTER = GtidPosition(MariadbGtids.parse("0-1-42"))
HISTORIES: dict[str, Any] = {"orders": {"history": "kept"}, "others": {}}
UNLIMITED = 1 << 30


def mapper(most: int = UNLIMITED, inflight: Inflight | None = None, **effect: Any) -> Mapper:
    def plans_for(table: TableMap) -> tuple[Any, ...]:
        found = Mapping.model_validate(
            {"source": table.name, "target": table.table, **HISTORIES[table.table]}
        )
        return (compile_plan(found, table),)

    return Mapper(
        plans_for,
        lambda *_: DdlEffect(**effect),
        transaction_bytes=most,
        inflight=inflight,
        times_kept=lambda event, committed_at, _: (float(len(event)), committed_at + 1),
    )


def inserted(table: TableMap, ordinal: int, *numbers: int) -> RowsEvent:
    images = [image(struct.pack("<q", number)) for number in numbers]
    return event(table, *images)._replace(ordinal=ordinal)


def transaction(*changes: RowsEvent | SchemaChange, **facts: Any) -> Transaction:
    witness = Witness("1", "b.000001", 0, 4, b"event")
    checkpoint = Checkpoint(facts.pop("position", AFTER), facts.pop("inflight", None), "1", witness)
    return Transaction("0-1-42", BEFORE, checkpoint, 100.0, changes, **facts)


def mapped(by: Mapper, read: Transaction) -> list[MappedTransaction]:
    found = list(by.map(read))
    assert all(isinstance(each, MappedTransaction) for each in found)
    return [each for each in found if isinstance(each, MappedTransaction)]


def kept(*found: MappedTransaction) -> list[dict[str, Any]]:
    return [
        bson.decode(each.document, bson.CodecOptions(tz_aware=True))
        for entry in found
        for collection, operations in entry.changes
        for each in operations
        if collection == "kept"
    ]


def rows_of(*found: MappedTransaction) -> list[int]:
    return [each["_id"]["row"] for each in kept(*found)]


def test_the_history_follows_the_documents_of_its_event() -> None:
    [found] = mapped(mapper(), transaction(inserted(KEPT, 1, 1, 2), inserted(OTHER, 2, 1)))

    assert [collection for collection, _ in found.changes] == ["orders", "kept", "others"]
    assert [each.ordinal for each in found.origins] == [1, 1, 2]
    assert [each.is_history for each in found.origins] == [False, True, False]
    assert found.origins[1].halts
    assert [*found.changed_rows()] == [
        ("shop.orders", RowsKind.INSERT, 2),
        ("shop.others", RowsKind.INSERT, 1),
    ]
    assert [name for name, _ in Batch((found,)).changes_of_rows()] == ["orders", "others"]
    assert found.byte_size > sum(len(bson.encode(each)) for each in kept(found))


def test_a_change_is_told_with_its_transaction() -> None:
    [found] = kept(*mapped(mapper(), transaction(inserted(KEPT, 1, 7))))

    assert found["_id"]["transaction"] == "0-1-42"
    assert found["_id"]["logged_at"].timestamp() == len(b"event")
    assert found["committed_at"].timestamp() == 101
    assert found["number"] == 41


def test_rows_are_numbered_by_table_over_the_events_of_a_transaction() -> None:
    by = mapper()
    events = [inserted(KEPT, 1, 1, 2), inserted(OTHER, 2, 1), inserted(KEPT, 3, 3)]

    first, second = mapped(by, transaction(*events)), mapped(by, transaction(*events))

    assert rows_of(*first) == rows_of(*second) == [1, 2, 3]


def test_a_part_that_the_mapper_cuts_tells_how_many_rows_it_has() -> None:
    events = [inserted(KEPT, 1, 1, 2), inserted(OTHER, 2, 1), inserted(KEPT, 3, 3)]

    found = mapped(mapper(most=1), transaction(*events))

    counted = (("shop.orders", 2),)
    assert [each.checkpoint.inflight for each in found] == [
        Inflight("0-1-42", 1, counted),
        Inflight("0-1-42", 2, counted),
        None,
    ]
    assert rows_of(*found) == [1, 2, 3]


def test_a_part_that_the_reader_cuts_goes_on_where_the_last_one_ended() -> None:
    by = mapper()
    part = transaction(inserted(KEPT, 1, 1, 2), position=BEFORE, inflight=Inflight("0-1-42", 1))
    rest = transaction(inserted(KEPT, 2, 3), delivered=1)

    first, second = mapped(by, part), mapped(by, rest)

    assert first[0].checkpoint.inflight == Inflight("0-1-42", 1, (("shop.orders", 2),))
    assert rows_of(*first, *second) == [1, 2, 3]


def test_another_process_goes_on_where_the_last_one_ended() -> None:
    by = mapper(inflight=Inflight("0-1-42", 1, (("shop.orders", 2),)))

    moved = Transaction("", BEFORE, Checkpoint(BEFORE, Inflight("0-1-42", 1)), 1.0)
    [position] = mapped(by, moved)
    found = mapped(by, transaction(inserted(KEPT, 2, 3), delivered=1))

    assert position.checkpoint.inflight == Inflight("0-1-42", 1, (("shop.orders", 2),))
    assert rows_of(*found) == [3]


def test_a_transaction_that_is_read_from_its_beginning_is_counted_anew() -> None:
    by = mapper(inflight=Inflight("0-1-42", 1, (("shop.orders", 2),)))

    assert rows_of(*mapped(by, transaction(inserted(KEPT, 1, 1, 2)))) == [1, 2]


def test_a_statement_is_kept_before_the_rows_of_its_transaction() -> None:
    by = mapper(kept=(("kept", "shop.orders", "truncate"),))

    found = mapped(by, transaction(SchemaChange("TRUNCATE", ()), inserted(KEPT, 1, 1)))

    assert [(each["action"], each["_id"]["row"]) for each in kept(*found)] == [
        ("truncate", 0),
        ("insert", 1),
    ]
    assert [*found[0].changed_rows()] == [("shop.orders", RowsKind.INSERT, 1)]
