"""The transaction that is being read: its contents so far, and its delivered parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from cdc.errors import RefusedEvent
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import Position
from cdc.model.transaction import RowsEvent, SchemaChange, Transaction
from cdc.model.witness import Witness
from cdc.readers.binlog.events import Event, timestamp
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid


@dataclass(slots=True)
class OpenTransaction:
    """`begun`: it ends with a commit, not with its first statement. `witness`: where it begins.

    `rows_events` counts those met, `delivered` those that went with an earlier part. `begun_at` is
    that of `Transaction`.
    """

    identity: str
    gtid: Gtid | MariadbGtid | None
    begun: bool
    witness: Witness
    changes: list[RowsEvent | SchemaChange] = field(default_factory=list)
    byte_size: int = 0
    rows_events: int = 0
    delivered: int = 0
    begun_at: int = 0
    savepoints: dict[str, int] = field(default_factory=dict)

    def is_done(self, inflight: Inflight | None) -> bool:
        """Return whether the latest rows event was applied before this connection began."""
        if inflight is None or inflight.identity != self.identity:
            return False
        self.delivered = inflight.rows_events
        return self.rows_events <= self.delivered

    def date(self, event: Event) -> None:
        """Note when it began, by the first event that tells of a statement."""
        if not self.begun_at and isinstance(self.gtid, MariadbGtid):
            self.begun_at = event.timestamp

    def part(self, before: Position, server: str) -> Transaction:
        """Cut off what was read so far; it is forgotten here.

        The event that ends it is not read yet: where only that would tell the time, its GTID event
        does, which MariaDB writes at the commit.
        """
        inflight = Inflight(self.identity, self.rows_events)
        part = Transaction(
            identity=self.identity,
            before=before,
            checkpoint=Checkpoint(before, inflight, server, self.witness),
            committed_at=committed_at(self.gtid, timestamp(self.witness.event)),
            changes=tuple(self.changes),
            delivered=self.delivered,
            begun_at=self.begun_at,
        )
        self.delivered = self.rows_events
        self.changes.clear()
        self.savepoints.clear()
        self.byte_size = 0
        return part

    def save(self, savepoint: str) -> None:
        """Remember the place of a savepoint."""
        self.savepoints[savepoint.casefold()] = len(self.changes)

    def undo(self, savepoint: str | None, where: str) -> None:
        """Drop what came after a savepoint, or all; RefusedEvent if some was delivered.

        What happened to tables stays: MariaDB logs the DROP of a failed CREATE OR REPLACE, and a
        ROLLBACK after it.
        """
        kept = 0 if savepoint is None else self.savepoints.get(savepoint.casefold())
        if kept is None or self.delivered:
            raise RefusedEvent(
                "a transaction too large to hold was rolled back after a part of it was applied",
                position=where,
                remedy="step over it: cdc position skip; and raise apply.transaction_bytes",
            )
        done = [each for each in self.changes[kept:] if isinstance(each, SchemaChange)]
        self.changes[kept:] = done

    def committed_at(self, event: Event) -> float:
        """Return the commit time, if `event` ends the transaction."""
        return committed_at(self.gtid, event.timestamp)


def committed_at(gtid: Gtid | MariadbGtid | None, ended_at: int) -> float:
    """Return the commit time, by the GTID or else by the event that ends the transaction."""
    if isinstance(gtid, Gtid) and gtid.committed_at:
        return gtid.committed_at
    return float(ended_at)
