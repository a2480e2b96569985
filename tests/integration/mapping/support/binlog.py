"""Runs statements on a server and returns what the binlog says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bson

from cdc.config import SourceConfig
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.operation import Operation, OperationKind
from cdc.model.transaction import RowsEvent
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.support.runs import one_by_one

MARKER = "the_end"
Document = dict[str, Any]


def config(server: MySQLServer) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password,
            "server_id": 4242,
            "tls": "off",
        }
    )


def rows_events(server: MySQLServer, schema: str, act: Callable[[], None]) -> Iterator[RowsEvent]:
    """The rows events of `schema` that `act` causes, in order."""
    server.execute(f"CREATE TABLE IF NOT EXISTS {schema}.{MARKER} (id INT PRIMARY KEY)")
    server.execute(f"DELETE FROM {schema}.{MARKER}")
    settings = config(server)
    checkpoint = resolve_start(settings, "now")
    act()
    server.execute(f"INSERT INTO {schema}.{MARKER} VALUES (1)")
    reader = BinlogReader(settings, follows=lambda one, _: one == schema, transaction_bytes=1 << 24)
    for transaction in one_by_one(reader.transactions(checkpoint)):
        for change in transaction.changes:
            if isinstance(change, RowsEvent) and change.table.table == MARKER:
                reader.stop()
                return
            if isinstance(change, RowsEvent):
                yield change


def operations(
    server: MySQLServer, schema: str, act: Callable[[], None], **mapping: Any
) -> list[Operation]:
    """What a plan makes of the changes that `act` causes, compiled for each event's own columns.

    The native module, if it is in use, leaves no such row to Python.
    """
    found: list[Operation] = []
    for event in rows_events(server, schema, act):
        rule = Mapping.model_validate({"source": event.table.name, "target": "t", **mapping})
        plan = compile_plan(rule, event.table)
        found += plan.operations(event, 0)
        assert plan.counts.left_rows == 0
    return found


def applied(operations: list[Operation]) -> dict[bytes, Document]:
    """The documents that a target would hold, by id."""
    documents: dict[bytes, bytes] = {}
    for operation in operations:
        documents.pop(operation.id, None)
        if operation.kind is not OperationKind.DELETE:
            documents[operation.id] = operation.document
    return {id_: bson.decode(document) for id_, document in documents.items()}
