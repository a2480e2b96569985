"""Distinguishes the log that was read from another log with the same transaction numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cdc.model.position import GtidPosition, MariadbGtids, Position


class Witness(NamedTuple):
    """The last transaction of which anything was applied, as a server's log holds it.

    It begins at `offset` of the `file` that `server` made at `created` (seconds since the epoch, 0
    while unknown). `event` is its GTID event, header included and checksum removed; empty while
    nothing was applied: then the place is the end of the log. `before` is the position before it:
    MariaDB finds a transaction only by the one before it.

    One is created for each transaction, and few are saved: so creating it does no work.
    """

    server: str
    file: str
    created: int
    offset: int
    event: bytes = b""
    before: Position | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"

    def to_document(self) -> dict[str, Any]:
        """Return it as the stream's state document stores it."""
        gtids = getattr(self.before, "gtids", None)
        return {
            "server": self.server,
            "file": self.file,
            "created": self.created,
            "offset": self.offset,
            "event": self.event,
            "before": str(gtids) if isinstance(gtids, MariadbGtids) else None,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Witness:
        """Read what `to_document` wrote."""
        before = document["before"]
        return cls(
            str(document["server"]),
            str(document["file"]),
            int(document["created"]),
            int(document["offset"]),
            bytes(document["event"]),
            None if before is None else GtidPosition(MariadbGtids.parse(before)),
        )
