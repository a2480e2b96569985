"""What a running daemon knows of itself at one moment: facts of the stages, and the lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

PROOF_HEARTBEATS: Final = 1.5
"""For so many heartbeat intervals a proof counts: the next one may come a little late."""


class Role(Enum):
    """What a daemon is at."""

    STARTING = "starting"
    STANDBY = "standby"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Outage:
    """A side that is being tried again: what was last said of it, and for how long it is lost."""

    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReaderStats:
    """The reader's end of it.

    `caught_up_seconds_ago`: when the source last said that it has sent everything. `file` and
    `offset`: where the last event ended. `clock_offset_seconds`: the source's clock minus ours.
    `committed_at`: when the source committed the last transaction that was read.
    """

    connected: bool = False
    server: str = ""
    file: str = ""
    offset: int = 0
    caught_up_seconds_ago: float | None = None
    clock_offset_seconds: float | None = None
    reconnects: int = 0
    committed_at: float | None = None
    outage: Outage | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is read and not applied; the oldest of it was committed at that time of the source."""

    transactions: int = 0
    operations: int = 0
    oldest_committed_at: float | None = None


@dataclass(frozen=True, slots=True)
class WriterStats:
    """The writer's end of it, since the process started.

    `committed_at`: when the source committed the last transaction that is applied.
    `rows`: changes of the source's rows, by (table, kind). `documents`: by (collection, operation).
    `seconds`: spent on `batches`. `dead_letters`: by (table, reason).
    """

    connected: bool = False
    retries: int = 0
    transactions: int = 0
    operations: int = 0
    batches: int = 0
    seconds: float = 0.0
    committed_at: float | None = None
    transactions_per_second: float = 0.0
    operations_per_second: float = 0.0
    rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    documents: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dead_letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    open_letters: int = 0
    outage: Outage | None = None


@dataclass(frozen=True, slots=True)
class CopyStats:
    """The backfills and resyncs since the process started, by table.

    `ratios`: how much of each is done.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A daemon at the time `at`, in seconds since the epoch by its own clock.

    `beats`: it writes heartbeats. `losses`: values that became less than they were, by (table,
    column, reason). `slow_rows`: rows that generated code did not cover, by table.
    """

    at: float
    role: Role
    role_seconds: float
    turned_seconds_ago: float
    heartbeat_seconds: float
    reading: ReaderStats = ReaderStats()
    backlog: Backlog = Backlog()
    writing: WriterStats = WriterStats()
    copying: CopyStats = CopyStats()
    losses: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    slow_rows: Mapping[str, int] = field(default_factory=dict)
    beats: bool = False

    @property
    def is_streaming(self) -> bool:
        """Tell whether it is active and connected to both sides."""
        return self.role is Role.ACTIVE and self.reading.connected and self.writing.connected

    @property
    def lag_seconds(self) -> float | None:
        """Return the age of the oldest transaction that is not applied; None where not known.

        0 takes a fresh proof that there is none: the source has said so, or its latest
        transaction is applied. Without one the lag is at least the age of the last proof.
        """
        if self.role is not Role.ACTIVE:
            return None
        if self.backlog.oldest_committed_at is not None:
            return self._age(self.backlog.oldest_committed_at)
        proofs = [self.reading.caught_up_seconds_ago]
        if self.writing.committed_at is not None:
            proofs.append(self._age(self.writing.committed_at))
        age = min((each for each in proofs if each is not None), default=None)
        if age is None:
            return None
        return 0.0 if age < PROOF_HEARTBEATS * self.heartbeat_seconds else age

    @property
    def heartbeat_lag_seconds(self) -> float | None:
        """Return the age of the newest transaction that is applied; None without heartbeats.

        Beats are transactions, one an interval: so it is an interval at most, plus what it takes
        to get through, whether anybody else writes or not. It needs no proof of being caught up.
        """
        if self.role is not Role.ACTIVE or not self.beats or self.writing.committed_at is None:
            return None
        return self._age(self.writing.committed_at)

    def _age(self, committed_at: float) -> float:
        """Return how long ago the source's clock showed this time."""
        offset = self.reading.clock_offset_seconds or 0.0
        return max(0.0, self.at + offset - committed_at)
