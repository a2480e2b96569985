"""A running daemon's telemetry at one moment: counts of the stages, and the lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeGuard

LEAST_LAG_SECONDS: Final = 0.001
"""The lag of what waits, whatever the clocks say."""
MOST_AHEAD_SECONDS: Final = 1.0
"""A commit time farther ahead of the source's clock is of a clock that was set meanwhile, or of a
session that sets its times: the clock is known by so much, and no delay makes such a time."""
PROOF_HEARTBEATS: Final = 1.5
"""The heartbeat intervals for which a proof counts: the next one may come a little late."""


class Role(Enum):
    """The role of a daemon."""

    STARTING = "starting"
    STANDBY = "standby"
    COPYING = "copying"
    """It holds the stream while workers make its first copy."""
    ACTIVE = "active"
    APPLYING = "applying"
    """It writes parts of another process's rounds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A side that is being retried: its last error, and since when."""

    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReaderStats:
    """The reader's counts.

    `caught_up_seconds_ago`: how long ago the source last reported that it has sent everything.
    `file` and `offset`: where the last event ended. `clock_offset_seconds`: the source's clock
    minus ours. `committed_at`: the source's commit time of the last transaction that was read.
    `host`: the address that is read, or was last.
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
    host: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is read and not applied.

    `oldest_committed_at`: when the source committed the oldest of it that changes anything.
    """

    transactions: int = 0
    operations: int = 0
    oldest_committed_at: float | None = None


@dataclass(frozen=True, slots=True)
class WriterStats:
    """The writer's counts, since the process started.

    `committed_at`: the source's commit time of the last applied transaction. `rows`: changes of the
    source's rows, by (table, kind). `documents`: by (collection, operation). `seconds`: spent on
    `batches`. `rounds`: those of lanes, by their result. `has_appliers`: whether these write the
    lanes. `lanes_attended`: whether all lanes were, at the last full batch; None before one.
    `dead_letters`: by (table, reason). `owed`: debts of
    embedded documents, by (collection, path).
    """

    connected: bool = False
    retries: int = 0
    transactions: int = 0
    operations: int = 0
    batches: int = 0
    seconds: float = 0.0
    rounds: Mapping[str, int] = field(default_factory=dict)
    has_appliers: bool = False
    lanes_attended: bool | None = None
    committed_at: float | None = None
    transactions_per_second: float = 0.0
    operations_per_second: float = 0.0
    rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    documents: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dead_letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    open_letters: int = 0
    owed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    outage: Outage | None = None


@dataclass(frozen=True, slots=True)
class CopyStats:
    """The backfills and resyncs since the process started, by table.

    `ratios`: how much of each is done.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishStats:
    """The counts of what is published, since the process started.

    `bytes` are those of keys and values, before compression. `seconds`: spent on `batches`.
    """

    connected: bool = False
    messages: int = 0
    bytes: int = 0
    batches: int = 0
    seconds: float = 0.0
    errors: int = 0
    outage: Outage | None = None


@dataclass(frozen=True, slots=True)
class NoticeStats:
    """The notices since the process started: by event, and dropped ones by (event, reason)."""

    sent: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A daemon at the time `at`, in seconds since the epoch by its own clock.

    `beats`: it writes heartbeats. `losses`: values that were converted with a loss, by (table,
    column, reason). `slow_rows`: rows that generated code did not cover, by table, and
    `unchanged_rows` the updates that changed nothing of a document. `schema_changed_at`: the
    source's commit time of a table's last schema change. `notices` is None where nobody is told,
    `publishing` where nothing is published. `parts`: what became of the parts that an applier
    received, and `partitions` those that it has; None and empty where it is none.
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
    unchanged_rows: Mapping[str, int] = field(default_factory=dict)
    schema_changed_at: Mapping[str, float] = field(default_factory=dict)
    notices: NoticeStats | None = None
    parts: Mapping[str, int] | None = None
    partitions: tuple[int, ...] = ()
    publishing: PublishStats | None = None
    beats: bool = False

    @property
    def is_applying(self) -> bool:
        """Return whether it is an applier that reaches its target."""
        return self.role is Role.APPLYING and self.writing.outage is None

    @property
    def is_streaming(self) -> bool:
        """Return whether it is active and connected to both sides, and to Kafka if it publishes."""
        reached = self.publishing is None or self.publishing.connected
        sides = self.reading.connected and self.writing.connected
        return self.role is Role.ACTIVE and sides and reached

    @property
    def lag_seconds(self) -> float | None:
        """Return the age of the oldest transaction that is not applied; None if unknown.

        0 requires a fresh proof that there is none: the source has reported it, or its latest
        transaction is applied; one from the future proves nothing. Without a proof the lag is at
        least the age of the last one; while the stream is held, that of its beginning.
        """
        if self.role not in (Role.ACTIVE, Role.COPYING):
            return None
        if self.backlog.oldest_committed_at is not None:
            return max(LEAST_LAG_SECONDS, self._age(self.backlog.oldest_committed_at))
        proofs = [self.reading.caught_up_seconds_ago]
        applied_at = self.writing.committed_at
        if self._has_come(applied_at):
            proofs.append(self._age(applied_at))
        age = min((each for each in proofs if each is not None), default=None)
        if age is None:
            return None
        return 0.0 if age < PROOF_HEARTBEATS * self.heartbeat_seconds else age

    @property
    def heartbeat_lag_seconds(self) -> float | None:
        """Return the age of the newest applied transaction; None without heartbeats.

        None also if it comes from the future, as those do that came before the clock was set back.
        Heartbeats are transactions, one an interval. So it is at most an interval plus the
        replication time, whether or not anybody else writes. It needs no proof of being caught up.
        """
        applied_at = self.writing.committed_at
        if self.role is not Role.ACTIVE or not self.beats or not self._has_come(applied_at):
            return None
        return self._age(applied_at)

    def _has_come(self, committed_at: float | None) -> TypeGuard[float]:
        """Return whether a commit time is known and not of a clock that was set meanwhile."""
        return committed_at is not None and committed_at < self._source_time + MOST_AHEAD_SECONDS

    def _age(self, committed_at: float) -> float:
        """Return the time since the source's clock showed this time, in seconds."""
        return max(0.0, self._source_time - committed_at)

    @property
    def _source_time(self) -> float:
        return self.at + (self.reading.clock_offset_seconds or 0.0)
