"""The messages of rows that copies read, not of changes: `op: r`.

Format: "Ad hoc snapshots" and "Incremental snapshots" in the documentation of Debezium's MySQL
connector.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.mapping.debezium.envelope import Origin, enveloped
from cdc.mapping.debezium.table import Compiled, PublishedTable, published_table
from cdc.mapping.debezium.values import Decimals
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.message import Message
from cdc.model.position import GtidPosition
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent

READ: Final = "r"
SNAPSHOT: Final = "incremental"
"""Rows are read beside the stream, as by Debezium's incremental snapshots."""


def _every(_: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TableReads:
    """Tells the rows of one table map as the stream `name`."""

    name: str
    published: PublishedTable
    gtid_of: Callable[[bytes], str | None]
    """Returns the GTID of a witness's event."""
    now_ns: Callable[[], int] = time.time_ns

    def messages(
        self,
        event: RowsEvent,
        applied: Checkpoint,
        read_at: float,
        wanted: Callable[[bytes], bool] = _every,
    ) -> list[Message]:
        """Return the message of each shown row of an event of inserts whose image is `wanted`.

        The place in the source is that of the last transaction in `applied`, what the target held
        before they were read. `read_at` is when, in seconds since the epoch, or before it. Raises
        as `PublishedTable.changes`.
        """
        table, witness = event.table, applied.witness
        by_gtid = isinstance(applied.position, GtidPosition)
        origin = Origin(
            self.name,
            table.mariadb,
            table.schema,
            table.table,
            round(read_at * 1_000_000),
            witness,
            self.gtid_of(witness.event) if witness and by_gtid else None,
            SNAPSHOT,
        )
        topic, source = origin.topic, origin.block()
        return [
            enveloped(
                topic,
                shown.key,
                before=None,
                after=shown.row,
                source=source,
                order=None,
                operation=READ,
                now_ns=self.now_ns(),
            )
            for image, shown in self.published.rows(event)
            if shown is not None and wanted(image)
        ]


def table_reads(
    name: str,
    decimals: Decimals,
    gtid_of: Callable[[bytes], str | None],
    table: TableMap,
    mappings: Sequence[Mapping],
    plans: Sequence[Compiled],
) -> TableReads:
    """Return what tells the rows of a table of which one of `plans` has a document.

    `gtid_of` returns the GTID of a witness's event. `mappings` are all of the table: they say which
    columns are shown. The table has a key, as every table that is read in chunks. Raises Unmappable
    for one that is hidden.
    """
    assert table.primary_key, "messages without keys have no order that a read could keep to"
    return TableReads(name, published_table(table, mappings, plans, decimals), gtid_of)
