"""Counts what a writer has done, for metrics and status."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from cdc.operations import OperationKind
from cdc.snapshot import Writing
from cdc.writers.batch import Batch
from cdc.writers.commands import Command

RATE_SECONDS: Final = 60.0


class Tally:
    """The writing thread counts; other threads ask."""

    def __init__(self) -> None:
        self.connected = False
        self.retries = 0
        self.committed_at: float | None = None
        self._transactions = self._operations = self._batches = 0
        self._seconds = 0.0
        self._documents: Counter[tuple[str, str]] = Counter()
        self._recent: deque[tuple[float, int, int]] = deque()

    def applied(self, batch: Batch, commands: Sequence[Command], seconds: float) -> None:
        """Count a batch that has landed, and what was sent for it."""
        transactions, operations = len(batch.identities), batch.operations
        self._transactions += transactions
        self._operations += operations
        self._batches += 1
        self._seconds += seconds
        self.committed_at = batch.committed_at
        for command in commands:
            kind = OperationKind(command.kind).name.lower()
            self._documents[command.collection, kind] += len(command.operations)
        self._recent.append((time.monotonic(), transactions, operations))
        self._forget()

    def _forget(self) -> None:
        since = time.monotonic() - RATE_SECONDS
        while self._recent and self._recent[0][0] < since:
            self._recent.popleft()

    def facts(self) -> Writing:
        """Return the counts as they are now."""
        since = time.monotonic() - RATE_SECONDS
        recent = [each for each in tuple(self._recent) if each[0] >= since]
        return Writing(
            connected=self.connected,
            retries=self.retries,
            transactions=self._transactions,
            operations=self._operations,
            batches=self._batches,
            seconds=self._seconds,
            committed_at=self.committed_at,
            transactions_per_second=sum(each[1] for each in recent) / RATE_SECONDS,
            operations_per_second=sum(each[2] for each in recent) / RATE_SECONDS,
            documents=dict(self._documents),
        )
