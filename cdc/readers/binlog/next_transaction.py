"""Reads the one transaction that follows a checkpoint, as an outline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from cdc.errors import CdcError, Retryable, UsageError
from cdc.model.checkpoint import Checkpoint
from cdc.model.xid import Xid
from cdc.readers.binlog import dump, events
from cdc.readers.binlog.accepted_host import HostChooser
from cdc.readers.binlog.events import CHECKSUM_SIZE, ChecksumMismatch, Event
from cdc.readers.binlog.history import proof
from cdc.readers.binlog.outline import Outline, Outliner, decides
from cdc.readers.server import position_check
from cdc.readers.server.catalog import folds_names
from cdc.readers.server.connection import decoder, is_mariadb
from cdc.readers.server.packets import PacketStream, ServerError, StreamEnded

if TYPE_CHECKING:
    from cdc.config import SourceConfig
    from cdc.readers.server.connection import SourceConnection

QUERY_SECONDS: Final = 30.0

Read = Iterator[tuple[Event, bool]]


def read_outline(config: SourceConfig, checkpoint: Checkpoint) -> Outline:
    """Return the outline of what follows `checkpoint`; no replica of the source is disturbed.

    Raises UsageError if nothing does, or if an XA transaction is not decided yet; what
    `history.server_continuing` raises; Corrupted if the transaction's name is damaged.
    """
    connection, continued, _ = HostChooser(config).accepted(checkpoint)
    with closing(connection), connection.understood():
        mariadb = is_mariadb(connection)
        outliner = _asked(connection, checkpoint, continued, mariadb=mariadb)
        read = _read(PacketStream(connection, timeout_seconds=QUERY_SECONDS))
        try:
            outline = _outline(read, outliner)
            if outline.prepared is not None:
                _require_decided(read, outline.prepared, outline)
        except ServerError as error:
            raise position_check.explain(error, checkpoint.position, mariadb=mariadb) from error
    return outline


def _asked(
    connection: SourceConnection,
    checkpoint: Checkpoint,
    continued: proof.Continued,
    *,
    mariadb: bool,
) -> Outliner:
    """Request what follows, to the end of the log, of a source that certainly has it."""
    outliner = Outliner(
        checkpoint._replace(server=continued.server),
        decode=decoder(connection),
        mariadb=mariadb,
        folds_names=folds_names(connection),
    )
    dump.peek(connection, checkpoint.position, mariadb=mariadb, strict=continued.strict)
    return outliner


def _outline(read: Read, outliner: Outliner) -> Outline:
    for event, damaged in read:
        if (outline := outliner.feed(event, damaged=damaged)) is not None:
            return outline
    raise _nothing_follows(outliner)


def _nothing_follows(outliner: Outliner) -> CdcError:
    if outliner.is_nameless:
        return UsageError(
            "what follows has no GTID of its own, so no position is behind it yet",
            remedy="have the source commit any transaction, then repeat the command",
        )
    if outliner.is_within:
        return Retryable("the source is just writing a transaction: repeat the command")
    return UsageError("no transaction follows the stream's position: there is nothing to step over")


def _require_decided(read: Read, xid: Xid, outline: Outline) -> None:
    """Read on until the transaction is committed or rolled back.

    A resync before that would not see what it changes.
    """
    if any(decides(event, xid) for event, _ in read):
        return
    raise UsageError(
        "an XA transaction was prepared, and is neither committed nor rolled back yet: a resync"
        " would not see its rows",
        position=outline.before,
        remedy=f"run on the source: XA COMMIT {xid}; or XA ROLLBACK {xid}; then repeat the command",
    )


def _read(packets: PacketStream) -> Read:
    """Yield each event up to the end of the log, and whether its checksum is wrong."""
    checksum = True
    try:
        for data in packets:
            if events.begins_file(data):
                checksum = events.format_description(data).checksum
            try:
                yield events.parse(data, checksum=checksum), False
            except ChecksumMismatch:
                event = events.parse(data, checksum=False)
                yield event._replace(data=event.data[:-CHECKSUM_SIZE]), True
    except StreamEnded:
        return
