"""A mapping compiled against the columns of one table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cdc.changes import RowsEvent
from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.layout import Layout
from cdc.mapping.patterns import Patterns
from cdc.operations import Operation

Losses = Counter[tuple[str, str]]
"""How many values became less than they were, by (column, reason)."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Maps the rows of one table to operations on one collection.

    `source` is the Python generated for rows without NULLs; `losses` grows as rows are mapped.
    """

    collection: str
    layout: Layout
    source: str
    losses: Losses = field(repr=False)
    _patterns: Patterns = field(repr=False)

    def operations(self, event: RowsEvent) -> list[Operation]:
        """Map each row of `event`, in order.

        Raises RefusedEvent for partial images, Corrupted for damaged ones, RecordError for a
        value that BSON cannot hold.
        """
        self._require_full(event)
        rows, images = self._patterns.rows(event.kind), event.images
        end, size = len(images), self.layout.bitmap_size
        operations: list[Operation] = []
        append, at = operations.append, 0
        while at < end:
            at = rows[images[at : at + size]](images, at, append)
        if at != end:
            raise Corrupted("the last row image ends early", table=self.layout.table)
        return operations

    def _require_full(self, event: RowsEvent) -> None:
        everything = (1 << len(self.layout.wires)) - 1
        for present in (event.present, event.present_after):
            if int.from_bytes(present, "little") & everything != everything:
                raise RefusedEvent(
                    "the binlog holds row images that lack columns",
                    table=self.layout.table,
                    remedy="SET GLOBAL binlog_row_image = FULL, and let sessions reconnect",
                )
