"""What is saved with each batch: where to read on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cdc.model.position import Position, from_document, to_document
from cdc.model.witness import Witness


class Inflight(NamedTuple):
    """A transaction of which a part is applied: its identity and how many rows events that is.

    The count is of rows events of any table, from the transaction's beginning: it means the same
    whatever the mappings follow.
    """

    identity: str
    rows_events: int


class Checkpoint(NamedTuple):
    """Where to read on: behind `position`, without what of the next transaction is `inflight`.

    `server` is the identity of the server that was read from, empty if unknown. File positions,
    and the count of rows events, hold on that server only. By the `witness` the history behind the
    position is known again; None for a checkpoint from before there were any.
    """

    position: Position
    inflight: Inflight | None = None
    server: str = ""
    witness: Witness | None = None

    def to_document(self) -> dict[str, Any]:
        """Return it as it stands in the stream's state document."""
        inflight = self.inflight and self.inflight._asdict()
        return {
            "position": to_document(self.position),
            "inflight": inflight,
            "server": self.server,
            "witness": self.witness and self.witness.to_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Checkpoint:
        """Read what `to_document` wrote."""
        inflight, witness = document.get("inflight"), document.get("witness")
        return cls(
            from_document(document["position"]),
            Inflight(**inflight) if inflight else None,
            str(document.get("server", "")),
            Witness.from_document(witness) if witness else None,
        )
