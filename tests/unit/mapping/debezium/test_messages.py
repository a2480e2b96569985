from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from cdc.errors import Unmappable
from cdc.mapper import Mapper, Publishing
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.plan import Plan
from cdc.mapping.debezium.envelope import topic_part
from cdc.mapping.debezium.messages import Messages
from cdc.mapping.debezium.values import two_s_complement
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import MappedTransaction
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.message import Message
from cdc.model.position import FilePosition, GtidPosition, MariadbGtids, Position
from cdc.model.state_change import DdlEffect
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import (
    Effect,
    RowsEvent,
    RowsKind,
    SchemaChange,
    TableChange,
    Transaction,
)
from cdc.model.witness import Witness
from tests.unit.mapping.support.row_images import ID, event, image

TABLE = TableMap("shop", "items", (ID, Column("n", FieldType.TINY)), (0,), (0,))
UNLIMITED = 1 << 30
GTIDS = GtidPosition(MariadbGtids.parse("0-1-41"))


def row(key: int, number: int = 0) -> bytes:
    return image(struct.pack("<q", key), struct.pack("<b", number))


def messages(*mappings: dict[str, Any]) -> Messages:
    found = [
        Mapping.model_validate({"source": "shop.items", "target": "items", **each})
        for each in mappings or ({},)
    ]

    def plans_of(table: TableMap) -> tuple[Plan, ...]:
        return tuple(compile_plan(each, table) for each in found)

    return Messages("orders", lambda *_: found, plans_of, "precise")


def inserted(*keys: int, ordinal: int = 1) -> RowsEvent:
    return event(TABLE, *(row(key) for key in keys))._replace(ordinal=ordinal)


def transaction(
    *changes: RowsEvent | SchemaChange, before: Position = GTIDS, **facts: Any
) -> Transaction:
    header = struct.pack("<IBIIIH", 0, 162, 77, 0, 0, 0)
    witness = Witness("1", "binlog.000003", 0, 400, header)
    checkpoint = Checkpoint(before, facts.pop("inflight", None), "1", witness)
    return Transaction("0-1-42", before, checkpoint, 100.25, changes, **facts)


def told(
    by: Messages, read: Transaction, most: int = UNLIMITED, inflight: Inflight | None = None
) -> list[MappedTransaction]:
    mapper = Mapper(
        lambda _: (),
        lambda *_: DdlEffect(),
        transaction_bytes=most,
        inflight=inflight,
        publishing=Publishing(by),
    )
    found = list(mapper.map(read))
    assert all(isinstance(each, MappedTransaction) for each in found)
    return [each for each in found if isinstance(each, MappedTransaction)]


def values(found: Sequence[Message]) -> list[Any]:
    return [each.value and orjson.loads(each.value) for each in found]


def test_a_transaction_is_told_between_its_beginning_and_its_end() -> None:
    [entry] = told(messages(), transaction(inserted(1, 2)))

    assert [each.topic for each in entry.messages] == [
        "orders.transaction",
        "orders.shop.items",
        "orders.shop.items",
        "orders.transaction",
    ]
    begin, first, second, end = values(entry.messages)
    assert (begin["status"], end["status"], end["event_count"]) == ("BEGIN", "END", 2)
    orders = [each["transaction"]["total_order"] for each in (first, second)]
    assert orders == [1, 2]
    assert [each["source"]["row"] for each in (first, second)] == [0, 1]
    assert {each.timestamp_ms for each in entry.messages} == {100_250}


def test_a_change_names_its_place_in_the_source() -> None:
    [entry] = told(messages(), transaction(inserted(1)))

    source = values(entry.messages)[1]["source"]

    assert source["gtid"] == "0-1-42"
    assert (source["file"], source["pos"], source["server_id"]) == ("binlog.000003", 400, 77)
    assert (source["connector"], source["db"], source["table"]) == ("mariadb", "shop", "items")
    assert (source["ts_ms"], source["ts_us"]) == (100_250, 100_250_000)


def test_a_stream_by_file_positions_has_no_gtid() -> None:
    read = transaction(inserted(1), before=FilePosition("binlog.000003", 4))
    [entry] = told(messages(), read)

    source = values(entry.messages)[1]["source"]

    assert (source["gtid"], source["connector"]) == (None, "mysql")


def test_messages_take_as_much_memory_as_they_count_for() -> None:
    read = transaction(inserted(*range(2_000)))
    by = messages()
    told(by, read)

    tracemalloc.start()
    [entry] = told(by, read)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken < 1.2 * sum(each.byte_size for each in entry.messages)


def test_parts_of_a_transaction_go_on_counting() -> None:
    read = transaction(*(inserted(n, ordinal=n) for n in (1, 2, 3)))
    parts = told(messages(), read, most=1)

    assert len(parts) == 3
    inflight = [each.checkpoint.inflight for each in parts]
    assert [each and each.published for each in inflight] == [
        (("shop.items", 1),),
        (("shop.items", 2),),
        None,
    ]
    statuses = [each.get("status") for part in parts for each in values(part.messages)]
    assert statuses == ["BEGIN", None, None, None, "END"]
    assert values(parts[2].messages)[0]["transaction"]["total_order"] == 3


def test_a_part_that_an_earlier_process_began_goes_on_counting() -> None:
    inflight = Inflight("0-1-42", 2, (), (("shop.items", 2),))
    read = transaction(inserted(3, ordinal=3), delivered=2)

    [entry] = told(messages(), read, inflight=inflight)

    change, end = values(entry.messages)
    assert change["transaction"]["total_order"] == 3
    assert end["event_count"] == 3


def test_what_is_saved_of_a_part_is_read_again() -> None:
    inflight = Inflight("0-1-42", 2, (), (("shop.items", 2),))

    assert Inflight.from_document(inflight.to_document()) == inflight


def test_a_transaction_of_other_tables_is_not_told() -> None:
    [entry] = told(messages(), transaction())

    assert entry.messages == ()


def test_a_truncate_is_told_without_bounds() -> None:
    change = SchemaChange("TRUNCATE", (TableChange("shop", "items", Effect.EMPTIED),))

    [entry] = told(messages(), transaction(change))

    [value] = values(entry.messages)
    assert (value["op"], value["transaction"]) == ("t", None)


def test_a_column_is_shown_if_one_mapping_shows_it_and_none_hides_it() -> None:
    plain = {"fields": {"n": "n"}}
    without, hidden = {"fields": {"x": {"value": 1}}}, {"exclude": ["n"]}

    def shown(*mappings: dict[str, Any]) -> list[str]:
        [entry] = told(messages(*mappings), transaction(inserted(1)))
        return [*values(entry.messages)[1]["after"]]

    assert shown(plain, without) == ["id", "n"]
    assert shown(without) == ["id"]
    assert shown(plain, hidden) == ["id"]


def test_a_row_is_shown_if_one_mapping_has_a_document_of_it() -> None:
    by = messages({"where": "n = 1"}, {"where": "n = 2"})
    change = event(TABLE, *(row(key, key) for key in (1, 2, 3)))

    [entry] = told(by, transaction(change))

    rows = [each["after"] for each in values(entry.messages) if each.get("after")]
    assert [each["n"] for each in rows] == [1, 2]


def test_a_key_that_is_hidden_stops_the_stream_by_name() -> None:
    by = messages({"fields": {"n": "n"}, "id": {"sql": "id + 0", "unique": "asserted"}})

    with pytest.raises(Unmappable, match="column `id` is of the primary key") as caught:
        told(by, transaction(inserted(1)))

    assert caught.value.position == GTIDS


def test_an_update_that_begins_or_ends_to_show_a_row_is_a_create_or_a_delete() -> None:
    by = messages({"where": "n = 1"})
    change = event(TABLE, row(1, 0), row(1, 1), row(2, 1), row(2, 0))
    change = change._replace(kind=RowsKind.UPDATE)

    [entry] = told(by, transaction(change))

    found = [each and each.get("op") for each in values(entry.messages)[1:-1]]
    assert found == ["c", "d", None]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "00"), (127, "7f"), (128, "0080"), (-128, "80"), (-129, "ff7f"), (-1, "ff")],
)
def test_decimals_have_as_many_bytes_as_java_gives_them(number: int, expected: str) -> None:
    assert two_s_complement(number).hex() == expected


def test_a_topic_holds_no_character_that_kafka_does_not_take() -> None:
    assert topic_part("größe-1.a_b c") == "gr__e-1.a_b_c"
