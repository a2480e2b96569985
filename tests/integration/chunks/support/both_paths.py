"""One table's documents, as the binlog and as SELECT make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.dead_letter import FailedRow
from cdc.model.transaction import RowsEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.integration.mapping.support.binlog import rows_events

MILLISECONDS: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS
)

Found = dict[str, Any]
"""A row's fields, dates as DatetimeMS; or `{"failed": the reason}`."""


def by_binlog(
    server: MySQLServer, schema: str, act: Callable[[], None], **mapping: Any
) -> dict[Any, Found]:
    """What becomes of each row that `act` inserts, by `_id`."""
    found: dict[Any, Found] = {}
    for event in rows_events(server, schema, act):
        found |= mapped(event, mapping)
    return found


def by_select(server: MySQLServer, schema: str, table: str, **mapping: Any) -> dict[Any, Found]:
    """What becomes of each row of the table, by `_id`."""
    found: dict[Any, Found] = {}
    with chunk_reader(server) as reader:
        opened = reader.open(schema, table)
        for chunk in chunks(reader, opened, executed(server), limit=3):
            found |= mapped(chunk.event, mapping)
    return found


def mapped(event: RowsEvent, mapping: dict[str, Any]) -> dict[Any, Found]:
    """The documents of an event's rows, and the reasons of those that cannot be carried over."""
    rule = Mapping.model_validate({"source": event.table.name, "target": "t", **mapping})
    failed: list[FailedRow] = []
    operations = compile_plan(rule, event.table).operations(event, 0.0, failed.append)
    found = {}
    for operation in operations:
        document = bson.decode(operation.document, MILLISECONDS)
        found[document.pop("_id")] = document
    for row in failed:
        found[bson.decode(row.document)["_id"]] = {"failed": row.error.reason}
    return found
