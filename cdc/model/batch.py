"""Operations that are applied together, and the checkpoint that goes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, NamedTuple, Protocol

from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import UNKNOWN, Failure, Origin
from cdc.model.done import Span
from cdc.model.message import Message
from cdc.model.operation import Operation
from cdc.model.position import Position
from cdc.model.state_change import CollectionClear, StateWrite
from cdc.model.transaction import RowsKind

OPERATION_BYTES: Final = 128
"""The cost of an operation in MongoDB beside its document, for the limits of a transaction."""


def weight(operations: Sequence[Operation]) -> int:
    """Return the bytes that the operations count for."""
    return sum([len(operation.document) for operation in operations]) + OPERATION_BYTES * len(
        operations
    )


class MappedTransaction(NamedTuple):
    """What one entry of a batch writes: (collection, operations) in order, and a checkpoint.

    It is a source transaction, a part of one, a mere move of the position, a chunk, or state writes
    alone; the last three have no `identity`. `committed_at` as in `Transaction`; `checkpoint` is
    what to save with them, `writes` are the other writes of that checkpoint. `clears` come before
    its operations and after everything before it. `changes_schema`: a followed table is no longer
    what it was. `before` is the position before it, None if it is none of the source's. `origins`
    are the origins of `changes`; without them a refused operation stops the stream. `messages` are
    published before it is applied.
    """

    identity: str
    checkpoint: Checkpoint
    committed_at: float | None
    changes: tuple[tuple[str, Sequence[Operation]], ...] = ()
    byte_size: int = 0
    writes: tuple[StateWrite, ...] = ()
    clears: tuple[CollectionClear, ...] = ()
    changes_schema: bool = False
    before: Position | None = None
    origins: tuple[Origin, ...] = ()
    messages: tuple[Message, ...] = ()

    def origin(self, index: int) -> Origin:
        """Return the origin of the change `index`."""
        return self.origins[index] if self.origins else UNKNOWN

    @property
    def is_of_source(self) -> bool:
        """Whether it is a source transaction, or a part of one."""
        return bool(self.identity)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Its identity, if it has one."""
        return (Span.of(self.identity),) if self.identity else ()

    @property
    def completed(self) -> int:
        """The number of source transactions that are whole with it: 1 or 0."""
        return int(self.is_of_source and self.checkpoint.inflight is None)

    @property
    def first_committed_at(self) -> float | None:
        """As `committed_at`; a run's differ."""
        return self.committed_at

    @property
    def operation_count(self) -> int:
        """The number of operations, of which a row may make several or none."""
        return sum([len(operations) for _, operations in self.changes])

    def changed_rows(self) -> Iterator[tuple[str, RowsKind, int]]:
        """Yield (table, kind, number of changed rows) of each rows event.

        A row whose key changed counts twice; a row that the mapping leaves out does not count.
        """
        counted = None
        for origin, (_, operations) in zip(
            self.origins,
            self.changes,
            strict=False,  # chunks have no origins
        ):
            table, ordinal, kind = origin.table, origin.ordinal, origin.kind
            if table and (table, ordinal) != counted:
                counted = table, ordinal
                yield table, kind, len(operations)

    def transactions(self) -> tuple[MappedTransaction, ...]:
        """Return it: it is one."""
        return (self,)


class Cuts(Protocol):
    """Cuts a run between its transactions, which are numbered from 0."""

    def identities(self) -> Iterable[Span]:
        """Return the identity of each transaction."""
        ...

    def numbers(self) -> Iterable[Sequence[int]]:
        """Return for each of the run's `changes` which transaction each operation is of."""
        ...

    def only(self, numbers: Sequence[int]) -> MappedRun:
        """Return the run of some of its transactions, one or more, in order."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class MappedRun:
    """A run of source transactions, whole and without failures, as one entry of a batch.

    `changes` are in order within a collection, and `rows` (table, kind, number of changed rows).
    `before` is the position before the first, `behind` returns the checkpoint of the last, whose
    time `committed_at` is; `first_committed_at` is that of the first. `spans` hold their
    identities. `take_apart` makes its transactions; `cuts` makes runs of some of them, None if it
    is not to be cut.
    """

    completed: int
    before: Position
    behind: Callable[[], Checkpoint]
    first_committed_at: float
    committed_at: float
    changes: tuple[tuple[str, Sequence[Operation]], ...]
    byte_size: int
    rows: tuple[tuple[str, RowsKind, int], ...]
    spans: tuple[Span, ...]
    take_apart: Callable[[], tuple[MappedTransaction, ...]]
    cuts: Cuts | None = None

    writes: ClassVar[tuple[StateWrite, ...]] = ()
    clears: ClassVar[tuple[CollectionClear, ...]] = ()
    origins: ClassVar[tuple[Origin, ...]] = ()
    messages: ClassVar[tuple[Message, ...]] = ()
    changes_schema: ClassVar[bool] = False

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint to save behind it."""
        return self.behind()

    @property
    def operation_count(self) -> int:
        """The number of operations."""
        return sum([len(operations) for _, operations in self.changes])

    def changed_rows(self) -> Iterable[tuple[str, RowsKind, int]]:
        """Return (table, kind, number of changed rows), as a transaction's."""
        return self.rows

    def transactions(self) -> tuple[MappedTransaction, ...]:
        """Return its transactions."""
        return self.take_apart()


BatchEntry = MappedTransaction | MappedRun
"""What a delivery is mapped to; either returns its `transactions()`."""


@dataclass(frozen=True)
class Batch:
    """Transactions, or parts of them, in the source's order; one MongoDB transaction applies them.

    An entry with `clears` is a batch of its own. `is_filled`: it was cut because it was full, so
    more is behind it. The class has no slots, so that its sums over thousands of entries are
    cached.
    """

    entries: tuple[BatchEntry, ...]
    is_filled: bool = False

    @cached_property
    def transactions(self) -> tuple[MappedTransaction, ...]:
        """The entries with runs taken apart, which costs as much as mapping them again."""
        return tuple(each for entry in self.entries for each in entry.transactions())

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint to save once the batch is applied."""
        return self.entries[-1].checkpoint

    @property
    def committed_at(self) -> float | None:
        """The source's commit time of the last of them, in seconds since the epoch.

        None if it has no transaction of the source.
        """
        return self.entries[-1].committed_at

    @property
    def identities(self) -> list[str]:
        """The source transactions that the batch completes."""
        return [each.identity for each in self.transactions if each.completed]

    @property
    def completed(self) -> int:
        """The number of source transactions that the batch completes."""
        return sum([each.completed for each in self.entries])

    @property
    def byte_size(self) -> int:
        """The bytes that its entries count for."""
        return sum([each.byte_size for each in self.entries])

    @property
    def messages(self) -> list[Message]:
        """What is published before the batch is applied, in order."""
        return [each for entry in self.entries for each in entry.messages]

    @property
    def writes(self) -> list[StateWrite]:
        """The writes to the state database beside the checkpoint, in order."""
        return [write for each in self.entries for write in each.writes]

    @property
    def clears(self) -> list[CollectionClear]:
        """The collections to clear before anything of the batch is written."""
        return [clear for each in self.entries for clear in each.clears]

    @property
    def changes_schema(self) -> bool:
        """Whether a followed table is no longer what it was before the batch."""
        return any(each.changes_schema for each in self.entries)

    @cached_property
    def operations(self) -> int:
        """The number of operations."""
        return sum([each.operation_count for each in self.entries])

    def changes(self) -> Iterator[tuple[str, Sequence[Operation]]]:
        """Yield (collection, operations), in the source's order within a collection."""
        return (change for each in self.entries for change in each.changes)

    def changes_of_rows(self) -> Iterator[tuple[str, Sequence[Operation]]]:
        """Yield what `changes` does, without what histories keep."""
        for each in self.entries:
            for index, change in enumerate(each.changes):
                if not each.origins or not each.origins[index].is_history:
                    yield change

    def failures(self) -> Iterator[tuple[str, Sequence[Failure]]]:
        """Yield (collection, failed changes that became dead letters), if there are any."""
        for entry in self.entries:
            for index, origin in enumerate(entry.origins):
                if origin.failures:
                    yield entry.changes[index][0], origin.failures
