"""The values that a reader delivers: committed transactions of rows events and schema changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.position import Position
from cdc.model.table_map import TableMap
from cdc.model.table_name import full_name


class RowsKind(Enum):
    """The operation of a rows event on each of its rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"

    __hash__ = object.__hash__
    """By identity: Enum's own, in Python, was a tenth of what a transaction of one row costs."""


class RowsEvent(NamedTuple):
    """The rows that one event changed, undecoded.

    `images` are the row images back to back, after checksums and compression are gone: for an
    insert the after image of each row, for a delete the before image, for an update before and
    after in turn. Each image begins with its null bitmap (one bit a *present* column, lowest bit
    first). `present` and `present_after` are the bitmaps of the columns that the (first) image and
    an update's after image hold; `present_after` equals `present` except for updates with partial
    images. Format: `Rows_event` in MySQL's `libs/mysql/binlog/event/rows_event.h`. `ordinal` counts
    the rows events of the transaction, of any table, up to this one.
    """

    table: TableMap
    kind: RowsKind
    present: bytes
    present_after: bytes
    images: bytes
    ordinal: int = 0


ANY_TABLE: Final = "\0"
"""Stands for every table of a schema: DROP DATABASE. No table has this name; one may have `*`."""


class Effect(Enum):
    """The effect of a statement on the rows that a table's name stands for."""

    CREATED = "created"
    """The name is new, and has no rows."""
    EMPTIED = "emptied"
    REMOVED = "removed"
    """The name no longer stands for a table; the rows may live on under another name."""
    BROUGHT_IN = "brought in"
    """The name stands for a table that had another name before."""
    REWRITTEN = "rewritten"
    """Rows or columns may differ from before, without a rows event."""
    CASCADING = "cascading"
    """Its rows change from now on as their parents do, which not every server logs."""
    UNFIT = "unfit"
    """It can no longer be followed."""
    UNTOUCHED = "untouched"


class TableChange(NamedTuple):
    """A statement's effect on `schema.table`; `reason` says why it is UNFIT.

    `added`: REWRITTEN added these columns, in lower case, and nothing else; None if it may have
    done more. `doubtful`: the statement may not have changed it, since it concerned a temporary
    table of its name, or kept an existing one; the log does not say.
    """

    schema: str
    table: str
    effect: Effect
    reason: str = ""
    added: frozenset[str] | None = None
    doubtful: bool = False

    @property
    def name(self) -> str:
        """`schema.table`, or `schema.*`."""
        return told_name(self.schema, self.table)


def told_name(schema: str, table: str) -> str:
    """Return the display name of a table, or of every table of a schema."""
    return full_name(schema, "*" if table == ANY_TABLE else table)


class SchemaChange(NamedTuple):
    """A statement about tables: its first word, and its effect on each that it names.

    It stands before any rows of its transaction: only CREATE … SELECT has some.
    """

    verb: str
    tables: tuple[TableChange, ...]


class Transaction(NamedTuple):
    """A committed source transaction, or one part of one that is too large to hold whole.

    `identity` is the source's name for it: its GTID, or `file:offset` of its first byte; empty if
    only the position moved, to the next file. `before` is the position before it and `checkpoint`
    the one to save once it is applied. `committed_at` is seconds since the epoch by the source's
    clock, with the microseconds of MySQL's GTID event, else whole seconds. `delivered` counts the
    rows events that went with its earlier parts, be it to an earlier process. `begun_at` is when
    its first statement began, of MariaDB, whose hosts agree on that alone; else 0.
    """

    identity: str
    before: Position
    checkpoint: Checkpoint
    committed_at: float
    changes: tuple[RowsEvent | SchemaChange, ...] = ()
    delivered: int = 0
    begun_at: int = 0

    @property
    def final(self) -> bool:
        """Whether it is complete, or the last part."""
        return self.checkpoint.inflight is None

    def transactions(self) -> Iterator[Transaction]:
        """Yield it: it is one."""
        yield self


class RunRows(NamedTuple):
    """The rows that successive transactions of a run changed in a table, by one event each.

    `event` holds their row images back to back, those of each up to one of `ends`. `numbers` are
    those of the transactions in the run, from 0.
    """

    event: RowsEvent
    ends: list[int]
    numbers: Sequence[int]


class TransactionRun(NamedTuple):
    """Successive whole transactions of rows events alone, which share what each would repeat.

    `before` is the position before the first, `checkpoint` the one to save after the last.
    `first_committed_at` and `committed_at` are those of the first and the last; all have the same
    if `is_of_one_time`. `byte_size` is what the source sent. `rows` are in the order of the events.
    `span` holds their identities, and no others; `identities` are what each one's ends with. The
    number of a transaction, from 0, is what `checkpoint_behind` takes.
    """

    transaction_count: int
    before: Position
    checkpoint: Checkpoint
    first_committed_at: float
    committed_at: float
    is_of_one_time: bool
    byte_size: int
    rows: tuple[RunRows, ...]
    span: Span
    identities: Sequence[int]
    read_apart: Callable[[], Iterator[Transaction]]
    checkpoint_behind: Callable[[int], Checkpoint]

    def transactions(self) -> Iterator[Transaction]:
        """Yield its transactions."""
        if not self.is_of_one_time:
            return self.read_apart()
        return (each._replace(committed_at=self.committed_at) for each in self.read_apart())


Delivery = Transaction | TransactionRun
"""What a reader delivers at once; either yields its `transactions()`."""
