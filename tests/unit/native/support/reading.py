"""Reads packets with the native module, and without it."""

from __future__ import annotations

import struct
from typing import Any
from unittest import mock
from zlib import crc32

from cdc.model.checkpoint import Checkpoint
from cdc.model.position import MariadbGtids, Position
from cdc.readers.binlog import read_ahead
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from tests.support.event_streams import Outcome, outcome

FOLLOWED = ("t", "u")
TRANSACTION_BYTES = 60


def laid_out(
    stream: list[Event], *, checksum: bool, zero_inside: bool, unsent: frozenset[int] = frozenset()
) -> list[bytes]:
    """The events as bytes, each with the offset in the file where it ends.

    Before those at `unsent` the file has an event that the server does not send.
    """
    offset, laid = 4, []
    for at, each in enumerate(stream):
        size = len(each.data) + 4 * checksum
        offset += size + 50 * (at in unsent)
        inside = zero_inside and each.type not in (EventType.MARIADB_GTID, EventType.ROTATE)
        end = 0 if inside or (each.end == 0 and each.type == EventType.ROTATE) else offset
        header = each.data[:9] + struct.pack("<II", size, end) + each.data[17:19]
        laid.append(sealed(header + each.data[19:], checksum=checksum))
    return laid


def sealed(event: bytes, *, checksum: bool) -> bytes:
    return event + struct.pack("<I", crc32(event)) if checksum else event


def read(received: list[bytes], position: Position, *, checksum: bool, native: Any) -> Outcome:
    def follows(schema: str, table: str) -> bool:
        return schema == "db" and table in FOLLOWED

    def decode(raw: bytes, _: int) -> str:
        return raw.decode()

    mariadb = isinstance(getattr(position, "gtids", None), MariadbGtids)
    assembler = TransactionAssembler(
        Checkpoint(position, None, "server"),
        tables=TableMapCache(follows, decode, mariadb),
        transaction_bytes=TRANSACTION_BYTES,
    )
    with mock.patch.object(read_ahead, "native", native):
        return outcome(received, assembler, checksum=checksum)
