"""Refuses row images that lack columns: what they leave out cannot be known."""

from __future__ import annotations

from cdc.changes import RowsEvent
from cdc.errors import RefusedEvent


def require_full(event: RowsEvent) -> None:
    """Raise RefusedEvent, which names the table and the remedy, for partial images."""
    everything = (1 << len(event.table.columns)) - 1
    for present in (event.present, event.present_after):
        if int.from_bytes(present, "little") & everything != everything:
            raise RefusedEvent(
                "the binlog holds row images that lack columns",
                table=event.table.name,
                remedy="SET GLOBAL binlog_row_image = FULL, let sessions reconnect, and resync the"
                " table",
            )
