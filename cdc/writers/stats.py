"""Counts a writer's work, for metrics and status."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog

from cdc.model.batch import Batch
from cdc.model.notice import Notice, NoticeEvent, Tell, tell_nobody
from cdc.model.operation import OperationKind
from cdc.model.telemetry import WriterStats
from cdc.model.transaction import RowsKind
from cdc.retry import OutageTracker
from cdc.writers.commands import Command
from cdc.writers.dead_letters.ledger import LetterChanges
from cdc.writers.dead_letters.store import Letter

log = structlog.get_logger(__name__)

RATE_SECONDS: Final = 60.0

MOST_LETTERS: Final = 10
"""The letters that a notice names."""


class WriterCounters:
    """Counts in the writing thread; other threads read."""

    def __init__(self, tell: Tell = tell_nobody) -> None:
        """`tell` takes a notice of new dead letters."""
        self._tell = tell
        self.connected = False
        self.retries = 0
        self.outages = OutageTracker()
        self.committed_at: float | None = None
        self.open_letters = 0
        self.has_appliers = False
        self.lanes_attended: bool | None = None
        self.owed: Mapping[tuple[str, str], int] = {}
        self._letters: Counter[tuple[str, str]] = Counter()
        self._transactions = self._operations = self._batches = 0
        self._seconds = 0.0
        self._rounds: Counter[str] = Counter()
        self._rows: Counter[tuple[str, str]] = Counter()
        self._documents: Counter[tuple[str, str]] = Counter()
        self._recent: deque[tuple[float, int, int]] = deque()

    def applied(self, batch: Batch, commands: Sequence[Command], seconds: float) -> None:
        """Count a batch that has landed, and its commands."""
        transactions, operations = batch.completed, batch.operations
        self._transactions += transactions
        self._operations += operations
        self._batches += 1
        self._seconds += seconds
        if batch.committed_at is not None:
            self.committed_at = batch.committed_at
        self.wrote(commands)
        self._rows.update(changed_rows(batch))
        self._recent.append((time.monotonic(), transactions, operations))
        self._forget()

    def wrote(self, commands: Sequence[Command]) -> None:
        """Count the documents of commands that have landed; the rest is counted by the daemon."""
        for command in commands:
            kind = OperationKind(command.kind).name.lower()
            self._documents[command.collection, kind] += len(command.operations)

    def round_ended(self, result: str) -> None:
        """Count a round: `landed`, or what was left of it goes `in_turn`."""
        self._rounds[result] += 1

    def count_letters(
        self, letter_changes: LetterChanges, new: Sequence[Letter], open_letters: int
    ) -> None:
        """Count and log what became a dead letter, and tell of the `new`; `open_letters` remain."""
        self.open_letters = open_letters
        for letter in letter_changes.opened:
            reason = letter.failure.reason.value
            self._letters[letter.origin.table, reason] += 1
            log.error(
                "dead_letter",
                letter=letter.id,
                table=letter.origin.table,
                collection=letter.collection,
                action=letter.action,
                reason=reason,
                **({"path": letter.path} if letter.path else {}),
                transaction=letter.transaction.identity,
                position=letter.position,
            )
        for identity in letter_changes.resolved:
            log.info("dead_letter_resolved", letter=identity)
        for notice in notices_of(new):
            self._tell(notice)

    def _forget(self) -> None:
        since = time.monotonic() - RATE_SECONDS
        while self._recent and self._recent[0][0] < since:
            self._recent.popleft()

    def stats(self) -> WriterStats:
        """Return the counts as they are now."""
        since = time.monotonic() - RATE_SECONDS
        recent = [each for each in tuple(self._recent) if each[0] >= since]
        return WriterStats(
            connected=self.connected,
            retries=self.retries,
            transactions=self._transactions,
            operations=self._operations,
            batches=self._batches,
            seconds=self._seconds,
            rounds=dict(self._rounds),
            has_appliers=self.has_appliers,
            lanes_attended=self.lanes_attended,
            committed_at=self.committed_at,
            transactions_per_second=sum(each[1] for each in recent) / RATE_SECONDS,
            operations_per_second=sum(each[2] for each in recent) / RATE_SECONDS,
            rows=dict(self._rows),
            documents=dict(self._documents),
            dead_letters=dict(self._letters),
            open_letters=self.open_letters,
            owed=self.owed,
            outage=self.outages.outage,
        )


def notices_of(letters: Sequence[Letter]) -> Iterator[Notice]:
    """Yield a notice for each table, collection and reason of new dead letters."""
    alike: dict[tuple[str, str, str], list[Letter]] = {}
    for each in letters:
        kind = each.origin.table, each.collection, each.failure.reason.value
        alike.setdefault(kind, []).append(each)
    for (table, collection, reason), found in alike.items():
        count = f"{len(found)} rows" if len(found) > 1 else "a row"
        yield Notice(
            NoticeEvent.DEAD_LETTER,
            f"{count} of {table} could not be carried over to {collection} ({reason})",
            {
                "table": table,
                "collection": collection,
                "reason": reason,
                "count": len(found),
                "letters": [each.id for each in found[:MOST_LETTERS]],
                "position": found[-1].position,
            },
        )


def changed_rows(batch: Batch) -> dict[tuple[str, str], int]:
    """Return the number of changed rows by (table, kind); each rows event counts once."""
    found: dict[tuple[str, RowsKind], int] = {}
    for entry in batch.entries:
        for table, kind, rows in entry.changed_rows():
            found[table, kind] = found.get((table, kind), 0) + rows
    return {(table, kind.value): rows for (table, kind), rows in found.items()}
