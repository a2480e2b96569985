"""Measures the distance between two positions: what a move skips, or applies again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.observability.status import transactions_between
from cdc.readers.server.status import SourceStatus
from cdc.terminal.counted import counted

_TRANSACTIONS: Final = "transaction", "transactions"
_NUMBERS: Final = "number of a transaction", "numbers of transactions"
_BYTES: Final = "byte", "bytes"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """What a move skips and what it applies again; None if unknown."""

    skipped: int | None
    again: int | None
    unit: tuple[str, str]
    """Of one, and of several."""

    def __str__(self) -> str:
        if self.skipped is None or self.again is None:
            return "how much of the binlog that skips is not known"
        told = []
        if self.skipped:
            told.append(f"skips {counted(self.skipped, *self.unit)}, of tables that are not known")
        if self.again:
            told.append(f"applies {counted(self.again, *self.unit)} again")
        return " and ".join(told) or "skips nothing"

    @property
    def may_skip(self) -> bool:
        """Whether something may then be missing in the target."""
        return self.skipped != 0


_UNKNOWN: Final = PassedOver(None, None, _TRANSACTIONS)


def passed_over(before: Position, after: Position, seen: SourceStatus) -> PassedOver:
    """Measure a move from `before` to `after`."""
    if isinstance(before, FilePosition) and isinstance(after, FilePosition):
        return _bytes(before, after, seen)
    if isinstance(before, GtidPosition) and isinstance(after, GtidPosition):
        old, new = before.gtids, after.gtids
        if isinstance(old, MariadbGtids) and isinstance(new, MariadbGtids):
            return PassedOver(_ahead(new, old), _ahead(old, new), _NUMBERS)
        if isinstance(old, GtidSet) and isinstance(new, GtidSet):
            skipped, again = transactions_between(new, old), transactions_between(old, new)
            return PassedOver(skipped, again, _TRANSACTIONS)
    return _UNKNOWN


def _bytes(before: FilePosition, after: FilePosition, seen: SourceStatus) -> PassedOver:
    old = seen.bytes_behind(before.file, before.offset)
    new = seen.bytes_behind(after.file, after.offset)
    if old is None or new is None:
        return _UNKNOWN
    return PassedOver(max(0, old - new), max(0, new - old), _BYTES)


def _ahead(one: MariadbGtids, other: MariadbGtids) -> int:
    """Count by how much the domains of `one` are ahead; gaps in the numbers count too."""
    return sum(
        max(0, gtid.sequence - (other.domains[domain].sequence if domain in other.domains else 0))
        for domain, gtid in one.domains.items()
    )
