"""The reader's place in the source's log, and what moves it between transactions."""

from __future__ import annotations

import time
from typing import Final

from cdc.errors import Corrupted, Halted, RefusedEvent
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import (
    LAST_NUMBER,
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
)
from cdc.model.transaction import RowsEvent, SchemaChange, Transaction
from cdc.model.witness import Witness
from cdc.readers.binlog import events
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.gtid_events import Gtid, MariadbGtid

_OUTSIDE_THE_FILE: Final = frozenset({EventType.HEARTBEAT, EventType.HEARTBEAT_V2})


class BinlogCursor:
    """The end of the last event (`file`, `offset`) and of the last transaction (`position`).

    `witness` is that transaction; it is saved with every later position. `created` is when the file
    was made, as its first event says: it tells a later file of the same name apart. A move of the
    position alone is a transaction without changes.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Begin at a checkpoint; its `server` names the source in the checkpoints that follow."""
        position = self.position = checkpoint.position
        self.witness = checkpoint.witness
        self.file, self.offset, self.created = "", 0, 0
        if isinstance(position, FilePosition):
            self.file, self.offset = position.file, position.offset
            self.created = position.created
        self._server = checkpoint.server

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"

    def advance(self, event: Event, *, in_transaction: bool) -> None:
        """Advance the offset by event sizes: headers hold only its lowest 32 bits, or 0.

        MariaDB from 11.4 on writes 0 inside transactions; made-up events are not in the file.
        """
        if event.flags & events.LOG_EVENT_ARTIFICIAL or event.type in _OUTSIDE_THE_FILE:
            return
        if event.end == 0 and not in_transaction:
            return
        expected = self.offset + event.size
        self.offset = expected if event.end in (0, expected & 0xFFFFFFFF) else event.end

    def after(self, gtid: Gtid | MariadbGtid | None, count: int = 1) -> Position:
        """Return the position after a transaction that ends here, or after `count` in a row."""
        if (
            isinstance(gtid, Gtid) and gtid.number > LAST_NUMBER
        ):  # saved, it could not be read again
            raise Corrupted(f"no transaction has the number {gtid.number}", position=str(self))
        if isinstance(self.position, FilePosition):
            return FilePosition(self.file, self.offset, self.created)
        gtids = self.position.gtids
        if isinstance(gtids, GtidSet) and isinstance(gtid, Gtid) and (number := gtid.number):
            return GtidPosition(gtids.with_interval(gtid.source, number - count + 1, number))
        if isinstance(gtids, MariadbGtids) and isinstance(gtid, MariadbGtid):
            return GtidPosition(gtids.advanced(*gtid[:3]))
        raise RefusedEvent(
            "a transaction without a GTID in a stream that is positioned by GTIDs",
            position=str(self),
            remedy="have every transaction get one, by gtid_mode = ON; then go on behind it:"
            " cdc position set --start now --resync --yes",
        )

    def witness_of(self, offset: int, gtid_event: bytes) -> Witness:
        """Return the witness of the transaction that begins at an offset of the file."""
        return Witness(self._server, self.file, self.created, offset, gtid_event, self.position)

    def commit(
        self,
        identity: str,
        gtid: Gtid | MariadbGtid | None,
        witness: Witness,
        committed_at: float,
        changes: tuple[RowsEvent | SchemaChange, ...],
        begun_at: int,
    ) -> Transaction:
        """Move behind a transaction that ends here, and return it."""
        before = self.position
        checkpoint = self.pass_transaction(gtid, witness)
        return Transaction(identity, before, checkpoint, committed_at, changes, 0, begun_at)

    def pass_transaction(self, gtid: Gtid | MariadbGtid | None, witness: Witness) -> Checkpoint:
        """Move behind a transaction that ends here, and return the checkpoint."""
        position = self.position = self.after(gtid)
        self.witness = witness
        return Checkpoint(position, None, self._server, witness)

    def rotate(self, event: Event) -> Transaction | None:
        """Go to the file that a ROTATE event names; a file position moves to its beginning."""
        file, offset = events.rotate(event)
        moved = file != self.file and self.file != ""
        self.file, self.offset = file, offset
        if moved:
            self.created = 0
        if not isinstance(self.position, FilePosition) or (event.artificial and not moved):
            return None
        return self._moved(FilePosition(file, offset), event)

    def begin_file(self, event: Event, inflight: Inflight | None) -> Transaction | None:
        """Note when the file was made; raises Halted if it is another one of its name."""
        self.created = created = event.timestamp
        position = self.position
        if not isinstance(position, FilePosition) or position.file != self.file:
            return None
        if position.created == created:
            return None
        if position.created:
            raise Halted(
                f"binlog {self.file} was created anew: the source's log was reset",
                position=position,
                remedy="go on from now, with every table resynced:"
                " cdc position set --start now --resync --yes",
            )
        return self._moved(FilePosition(position.file, position.offset, created), event, inflight)

    def move_past(self, event: Event, inflight: Inflight | None) -> Transaction | None:
        """Move a file position past an event that stands between transactions.

        An idle source reports the end of its log after that event, and the position must get
        there.
        """
        before = self.position
        if not isinstance(before, FilePosition):
            return None
        if before.file != self.file or before.offset >= self.offset:
            return None
        created = self.created or before.created
        return self._moved(FilePosition(self.file, self.offset, created), event, inflight)

    def _moved(
        self, position: Position, event: Event, inflight: Inflight | None = None
    ) -> Transaction:
        before, self.position = self.position, position
        checkpoint = Checkpoint(position, inflight, self._server, self.witness)
        return Transaction("", before, checkpoint, float(event.timestamp or time.time()))
