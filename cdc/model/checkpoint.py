"""The checkpoint, saved with each batch: where to continue reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cdc.model.first_copy import COPYING
from cdc.model.position import Position, from_document, to_document
from cdc.model.witness import Witness

STREAMS: Final = "streams"
"""The collection of the state database with a document for each stream, its checkpoint in it."""


class Inflight(NamedTuple):
    """A transaction that is applied in part: its identity and the number of applied rows events.

    The count is of rows events of any table, from the transaction's beginning: it does not depend
    on the mappings. `rows` are how many rows they changed of each table whose history is kept,
    `published` how many of their changes were published of each table.
    """

    identity: str
    rows_events: int
    rows: tuple[tuple[str, int], ...] = ()
    published: tuple[tuple[str, int], ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return it as the stream's state document stores it."""
        found: dict[str, Any] = {"identity": self.identity, "rows_events": self.rows_events}
        if self.rows:  # names of tables may hold what no field's name may
            found["rows"] = [{"table": table, "rows": count} for table, count in self.rows]
        if self.published:
            found["published"] = [
                {"table": table, "changes": count} for table, count in self.published
            ]
        return found

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Inflight:
        """Read what `to_document` wrote."""
        rows, published = document.get("rows", ()), document.get("published", ())
        return cls(
            str(document["identity"]),
            int(document["rows_events"]),
            tuple((str(each["table"]), int(each["rows"])) for each in rows),
            tuple((str(each["table"]), int(each["changes"])) for each in published),
        )


class Checkpoint(NamedTuple):
    """Where to continue: after `position`, without the next transaction's part `inflight`.

    `server` is the identity of the server that was read from, empty if unknown. File positions, and
    the count of rows events, are valid on that server only. The `witness` identifies the history
    before the position; None in a checkpoint from before there were any.
    """

    position: Position
    inflight: Inflight | None = None
    server: str = ""
    witness: Witness | None = None

    def to_document(self) -> dict[str, Any]:
        """Return it as the stream's state document stores it."""
        inflight = self.inflight and self.inflight.to_document()
        return {
            "position": to_document(self.position),
            "inflight": inflight,
            "server": self.server,
            "witness": self.witness and self.witness.to_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Checkpoint:
        """Read what `to_document` wrote; that of a held stream is at its first position."""
        inflight, witness = document.get("inflight"), document.get("witness")
        held = document.get(COPYING)
        return cls(
            from_document(held["position"] if held else document["position"]),
            Inflight.from_document(inflight) if inflight else None,
            str(document.get("server", "")),
            Witness.from_document(witness) if witness else None,
        )
