"""A run that waits for the target holds about what it counts for, and no buffer of the socket."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType
from typing import Any, cast

import pytest

from cdc.mapper import NO_EFFECT, Mapper
from cdc.model.batch import MappedRun
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, GtidSet
from cdc.model.transaction import TransactionRun
from cdc.readers.binlog import events, read_ahead
from cdc.readers.binlog.events import Event
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc.readers.server.packets import PacketStream
from tests.support.event_streams import EndingConnection, packet
from tests.unit.mapping.support.row_images import plan
from tests.unit.native.support.mapped import natively
from tests.unit.native.support.module import NATIVE, needs_native
from tests.unit.native.support.reading import laid_out
from tests.unit.readers.binlog.support import binlog_bytes as binlog

pytestmark = needs_native

LARGE_ROWS = 20_000
SMALL = 3
PIECES = 20


def transaction(number: int, table: str, rows: int) -> list[Event]:
    written = binlog.write_rows(1, *(number * 100 + at for at in range(rows)))
    return [
        binlog.gtid(number),
        binlog.query("BEGIN"),
        binlog.table_map(1, table),
        written,
        binlog.xid(),
    ]


def pieces() -> list[bytes]:
    """What arrives at once: a large transaction that is not followed, then small ones."""
    parts = [
        transaction(number, "other", LARGE_ROWS)
        if number % (SMALL + 1) == 1
        else transaction(number, "t", 1)
        for number in range(1, 1 + PIECES * (SMALL + 1))
    ]
    laid = laid_out([each for part in parts for each in part], checksum=True, zero_inside=False)
    sent = [packet(each, number) for number, each in enumerate(laid, 1)]
    of_a_piece = (SMALL + 1) * len(parts[0])
    return [b"".join(sent[at : at + of_a_piece]) for at in range(0, len(sent), of_a_piece)]


def runs() -> Iterator[TransactionRun]:
    stream = PacketStream(cast(Any, EndingConnection(pieces())), timeout_seconds=1)
    tables = TableMapCache(lambda _, table: table == "t", lambda raw, _: raw.decode(), False)
    start = Checkpoint(GtidPosition(GtidSet()), None, "server")
    assembler = TransactionAssembler(start, tables=tables, transaction_bytes=1 << 20)
    fed = 0
    for data in stream:
        if assembler.feed(events.parse(data, checksum=True)) is None:
            continue
        for found in assembler.read_ahead(stream, checksum=True):
            if isinstance(found, TransactionRun):
                yield found
        fed += 1
        if fed == PIECES:
            return


def held(root: object) -> int:
    """The size of all bytes that an object holds, wherever."""
    seen, todo, total = {id(root)}, [root], 0
    while todo:
        each = todo.pop()
        if isinstance(each, bytes):
            total += len(each)
        if isinstance(each, type | FunctionType):
            continue  # of the program, not of the run
        for found in gc.get_referents(each):
            if id(found) not in seen:
                seen.add(id(found))
                todo.append(found)
    return total


def test_a_run_holds_what_it_counts_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "native", NATIVE)

    def plans(table: Any) -> Any:
        return (natively(plan(table)),)

    mapper = Mapper(plans, lambda *_: NO_EFFECT, transaction_bytes=1 << 20)
    entries = [entry for run in runs() for entry in mapper.map(run)]

    assert len(entries) >= PIECES // 2
    for entry in entries:
        assert isinstance(entry, MappedRun)
        assert held(entry.take_apart) < 4 * entry.byte_size
