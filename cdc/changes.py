"""What a reader delivers: committed transactions of rows events and schema changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from cdc.checkpoint import Checkpoint
from cdc.columns import TableMap
from cdc.position import Position


class RowsKind(Enum):
    """What a rows event did to each of its rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class RowsEvent(NamedTuple):
    """The rows that one event changed, undecoded.

    `images` are the row images back to back, after checksums and compression are gone: for an
    insert the after image of each row, for a delete the before image, for an update before and
    after in turn. Each image begins with its null bitmap (one bit a *present* column, lowest bit
    first). `present` and `present_after` are the bitmaps of the columns that the (first) image and
    an update's after image hold; `present_after` equals `present` except for updates with partial
    images. Format: `Rows_event` in MySQL's `libs/mysql/binlog/event/rows_event.h`.
    `ordinal` counts the rows events of the transaction, of any table, up to this one.
    """

    table: TableMap
    kind: RowsKind
    present: bytes
    present_after: bytes
    images: bytes
    ordinal: int = 0


class SchemaChangeKind(Enum):
    """What a statement does to the tables that it names."""

    CREATE = "create"
    ALTER = "alter"
    DROP = "drop"
    RENAME = "rename"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A DDL statement that names followed tables.

    `tables` are the (schema, table) pairs it names; for a RENAME old and new alternate.
    """

    kind: SchemaChangeKind
    tables: tuple[tuple[str, str], ...]


class Transaction(NamedTuple):
    """A committed source transaction, or one part of one that is too large to hold whole.

    `identity` is what the source calls it: its GTID, or `file:offset` of its first byte; empty
    where only the position moved, to the next file. `before` is the position before it and
    `checkpoint` what to save once it is applied. `committed_at` is seconds since the epoch by the
    source's clock, with the microseconds of MySQL's GTID event, else whole seconds.
    """

    identity: str
    before: Position
    checkpoint: Checkpoint
    committed_at: float
    changes: tuple[RowsEvent | SchemaChange, ...] = ()

    @property
    def final(self) -> bool:
        """Whether it is whole, or the last part."""
        return self.checkpoint.inflight is None
