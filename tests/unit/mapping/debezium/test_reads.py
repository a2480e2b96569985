from __future__ import annotations

import struct
from typing import Any

import orjson

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.debezium.reads import TableReads, table_reads
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.message import Message
from cdc.model.position import FilePosition, GtidPosition, MariadbGtids
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.witness import Witness
from tests.unit.mapping.support.row_images import ID, event, image

TABLE = TableMap("shop", "items", (ID, Column("n", FieldType.TINY)), (0,), (0,))
APPLIED = Checkpoint(
    GtidPosition(MariadbGtids.parse("0-1-41")),
    None,
    "1",
    Witness("1", "binlog.000003", 0, 400, struct.pack("<IBIIIH", 0, 162, 77, 0, 0, 0)),
)


def row(key: int, number: int) -> bytes:
    return image(struct.pack("<q", key), struct.pack("<b", number))


def reads(*mappings: dict[str, Any], told: int | None = None) -> TableReads:
    """What tells the rows of the table; only the first `told` mappings are filled."""
    found = [
        Mapping.model_validate({"source": "shop.items", "target": f"items{at}", **each})
        for at, each in enumerate(mappings or ({},))
    ]
    plans = [compile_plan(each, TABLE) for each in found[:told]]
    return table_reads("orders", "precise", lambda _: "0-1-41", TABLE, found, plans)


def after(messages: list[Message]) -> list[Any]:
    return [orjson.loads(each.value or b"null")["after"] for each in messages]


def test_a_row_that_was_read_is_told_with_the_place_that_it_was_read_behind() -> None:
    [message] = reads().messages(event(TABLE, row(7, 3)), APPLIED, 100.25)

    value = orjson.loads(message.value or b"")
    source = value["source"]
    assert (message.topic, message.key) == ("orders.shop.items", b'{"id":7}')
    assert message.timestamp_ms == source["ts_ms"] == 100_250
    assert (value["op"], value["before"], value["after"]) == ("r", None, {"id": 7, "n": 3})
    assert value["transaction"] is None
    assert (source["snapshot"], source["gtid"], source["server_id"]) == (
        "incremental",
        "0-1-41",
        77,
    )
    assert (source["file"], source["pos"]) == ("binlog.000003", 400)


def test_a_stream_by_file_positions_has_no_gtid() -> None:
    applied = APPLIED._replace(position=FilePosition("binlog.000003", 460))

    [message] = reads().messages(event(TABLE, row(7, 3)), applied, 0.0)

    assert orjson.loads(message.value or b"")["source"]["gtid"] is None


def test_what_any_mapping_hides_is_not_read_whichever_is_filled() -> None:
    rows = event(TABLE, row(7, 3))

    by = reads({}, {"exclude": ["n"]}, told=1)

    assert after(by.messages(rows, APPLIED, 0.0)) == [{"id": 7}]


def test_a_row_is_read_for_the_mapping_that_has_a_document_of_it() -> None:
    rows = event(TABLE, row(1, 1), row(2, 2), row(3, 3))

    by = reads({"where": "n = 1"}, {"where": "n = 2"}, told=1)

    assert after(by.messages(rows, APPLIED, 0.0)) == [{"id": 1, "n": 1}]


def test_only_the_rows_that_are_wanted_are_read() -> None:
    wanted = row(2, 2)

    found = reads().messages(
        event(TABLE, row(1, 1), wanted), APPLIED, 0.0, lambda each: each == wanted
    )

    assert after(found) == [{"id": 2, "n": 2}]
