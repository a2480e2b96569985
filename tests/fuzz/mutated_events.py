"""What a source has written, with bytes changed and each checksum made right again.

So nothing of what is between the source and the reader would notice. What is read must be what the
second reading makes of the same bytes, or be refused by name: a transaction, a table or a row.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from functools import cache, lru_cache
from typing import Any, Final, TypeGuard, cast
from unittest import mock
from zlib import crc32

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from cdc.errors import CdcError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.plan import Plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import FailedRow
from cdc.model.operation import Operation as MadeOperation
from cdc.model.operation import OperationKind
from cdc.model.position import FilePosition, GtidPosition, GtidSet, Position
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, Transaction
from cdc.readers.binlog import events, read_ahead
from cdc.readers.binlog.events import CHECKSUM_SIZE
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc.readers.server.packets import ConnectionLost, PacketStream
from tests.fuzz.recordings import FLAVOURS, SCHEMA, Recording, recording
from tests.fuzz.second_reading import Read, Row, SecondReading, Table
from tests.fuzz.second_values import WRONG, Impossible, Unread
from tests.fuzz.table_maps import decode
from tests.support.event_streams import EndingConnection, completed, packets
from tests.unit.native.support.module import NATIVE

STEP: Final = 4
"""The bytes of one change: the event's number, the place in it, and what is changed there."""
MILLISECONDS: Final = CodecOptions[dict[str, Any]](
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_MS
)
FOLLOWED: Final = frozenset({f"{SCHEMA}.things", f"{SCHEMA}.pairs"})
UPSERT, DELETE = "upsert", "delete"
Operation = tuple[str, Any, Any]
Made = tuple[list[Operation], bool]


def mutated_events(data: bytes) -> None:
    """Change events: the first byte chooses what is read and how, then each change takes four."""
    if not data:
        return
    found = recording(FLAVOURS[data[0] & 1])
    by_files = bool(data[0] & 2)
    native = NATIVE if data[0] & 4 else None
    stream = changed(found.events, data[1:])
    second = _Second(found, stream)
    with closing(read(found, stream, by_files=by_files, native=native)) as ours:
        _assert_all_same(found.start.position, ours, second, by_files=by_files)


def _assert_all_same(
    start: Position, ours: Iterator[Transaction], second: _Second, *, by_files: bool
) -> None:
    """Require each transaction to be the second reading's, up to what one of both cannot read."""
    gtids: list[str] = []
    for transaction in ours:
        if not transaction.identity:
            continue  # the position moves alone
        made = _mapped(tuple(filter(_is_rows, transaction.changes)))
        theirs = second.next() if made is not None else None
        if made is None or theirs is None:
            return
        assert_same(transaction, made, theirs)
        gtids.append(theirs.gtid)
        if not by_files:
            assert transaction.checkpoint.position == _after(start, gtids)


def changed(recorded: Sequence[bytes], changes: bytes) -> list[bytes]:
    """Change events: each change is a number, a place (two bytes), and bits, 0 for a cut there."""
    stream = [each[:-CHECKSUM_SIZE] for each in recorded]
    for at in range(0, len(changes) - STEP + 1, STEP):
        number, place, bits = struct.unpack_from("<BHB", changes, at)
        number %= len(stream)
        event = bytearray(stream[number])
        place %= len(event)
        if bits:
            event[place] ^= bits
        else:
            event = event[: max(place, events.HEADER_SIZE)]
            event[9:13] = (len(event) + CHECKSUM_SIZE).to_bytes(4, "little")
        stream[number] = bytes(event)
    return [each + struct.pack("<I", crc32(each)) for each in stream]


def read(
    found: Recording, stream: Sequence[bytes], *, by_files: bool, native: Any
) -> Generator[Transaction]:
    """Yield the transactions up to the end, or up to what is refused by name."""
    assembler = TransactionAssembler(
        Checkpoint(_start(found, by_files=by_files), None, found.start.server),
        tables=_tables(mariadb=found.mariadb),
        transaction_bytes=1 << 24,
    )
    connection = EndingConnection([packets(stream)])
    received = PacketStream(cast(Any, connection), timeout_seconds=1)
    with mock.patch.object(read_ahead, "native", native), suppress(ConnectionLost, CdcError):
        yield from _assembled(received, assembler)


def _assembled(received: PacketStream, assembler: TransactionAssembler) -> Iterator[Transaction]:
    """Yield as `BinlogReader` does."""
    checksum = True
    for data in received:
        if events.begins_file(data):
            checksum = events.format_description(data).checksum
        yield from completed(data, received, assembler, checksum=checksum)


@cache
def _tables(*, mariadb: bool) -> TableMapCache:
    """Return what knows tables by their definitions, so that plans are made once for each."""
    return TableMapCache(_is_followed, decode, mariadb)


def _is_followed(schema: str, table: str) -> bool:
    return f"{schema}.{table}" in FOLLOWED


def _start(found: Recording, *, by_files: bool) -> Position:
    if not by_files:
        return found.start.position
    file, offset = events.rotate(events.parse(found.events[0], checksum=True))
    return FilePosition(file, offset)


def _after(start: Position, gtids: Sequence[str]) -> Position:
    """Return the position behind transactions, by their GTIDs."""
    assert isinstance(start, GtidPosition)
    done = start.gtids
    for each in gtids:
        if isinstance(done, GtidSet):
            source, _, number = each.rpartition(":")
            done = GtidSet.parse(f"{done},{source}:{number}" if done else f"{source}:{number}")
        else:
            domain, server, sequence = map(int, each.split("-"))
            done = done.advanced(domain, server, sequence)
    return GtidPosition(done)


class _Second:
    """The second reading's transactions, one after the other."""

    def __init__(self, found: Recording, stream: Sequence[bytes]) -> None:
        bare = [each[:-CHECKSUM_SIZE] for each in stream]
        self._read = SecondReading(mariadb=found.mariadb, followed=FOLLOWED).transactions(bare)

    def next(self) -> Read | None:
        """Return the next; None if it does not know what stands there."""
        try:
            return next(self._read)
        except (StopIteration, Impossible, UnicodeDecodeError) as error:
            raise AssertionError("what no server writes was read as a transaction") from error
        except Unread:
            return None


def assert_same(ours: Transaction, made: Made, theirs: Read) -> None:
    """Require the operations of one transaction to be those that follow from the second reading."""
    if theirs.gtid:
        assert ours.identity == theirs.gtid
    operations, is_whole = made
    changes = [each for each in theirs.changes if each[0].name in FOLLOWED]
    expected = [each for change in changes for each in _expected(*change)]
    _assert_within(operations, expected, is_whole=is_whole)


def _is_rows(change: object) -> TypeGuard[RowsEvent]:
    return isinstance(change, RowsEvent)


@lru_cache(maxsize=1_000)
def _mapped(changes: tuple[RowsEvent, ...]) -> Made | None:
    """Return the operations on documents, and whether no row was refused; None if a table was.

    Most transactions of a stream are as they were.
    """
    made: list[Operation] = []
    failed: list[FailedRow] = []
    for change in changes:
        try:
            found = _plan(change.table).operations(change, 0.0, failed.append)
        except CdcError:
            return None
        made += [_operation(change.table.name, each) for each in found]
    return made, not failed


@lru_cache(maxsize=256)
def _plan(table: TableMap) -> Plan:
    """Return what maps all columns of a table; it takes some milliseconds to make."""
    return compile_plan(Mapping(source=table.name, target=table.name).bind(), table)


def _operation(name: str, found: MadeOperation) -> Operation:
    if found.kind is OperationKind.DELETE:
        return DELETE, *_id_of(name, found.id)
    return UPSERT, name, _plain(bson.decode(found.document, MILLISECONDS))


def _id_of(table: str, raw: bytes) -> tuple[str, Any]:
    body = raw[:1] + b"\0" + raw[1:]
    whole = struct.pack("<i", len(body) + 5) + body + b"\0"
    return table, _plain(bson.decode(whole, MILLISECONDS)[""])


def _plain(found: Any) -> Any:
    """Return a value in the form of the second reading's."""
    match found:
        case dict():
            return {key: _plain(each) for key, each in found.items()}
        case list():
            return [*map(_plain, found)]
        case Decimal128():
            return found.to_decimal()
        case DatetimeMS():
            return int(found)
        case float():
            return struct.pack("<d", found)
        case Int64():
            return int(found)
    return found


def _expected(table: Table, before: Row | None, after: Row | None) -> list[Operation]:
    """Return what a change of a row does to documents; a row that moves is deleted first."""
    name = table.name
    old, new = before and _document(table, before), after and _document(table, after)
    deleted = [(DELETE, name, old["_id"])] if old and (not new or old["_id"] != new["_id"]) else []
    return deleted + ([(UPSERT, name, new)] if new else [])


def _document(table: Table, row: Row) -> dict[str, Any]:
    plain = {name: _plain(each) for name, each in row.items()}
    key = {name: plain.pop(name) for name in table.key}
    identity = next(iter(key.values())) if len(key) == 1 else key
    return {"_id": identity, **plain}


def _assert_within(
    made: Sequence[Operation], expected: Sequence[Operation], *, is_whole: bool
) -> None:
    """Require each operation made to be expected, in order; all, unless rows were refused."""
    assert not is_whole or len(made) == len(expected), (made, expected)
    left = iter(expected)
    for each in made:
        assert any(_is_same(each, other) for other in left), (each, expected)


def _is_same(one: Any, other: Any) -> bool:
    if other is WRONG:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(type(one) is type(other) and one == other)


def seeds() -> Iterable[bytes]:
    """Return each event with a byte changed: in its header, behind it, within, at its end."""
    yield from (bytes((first,)) for first in range(8))
    for flavour in range(2):
        for number, event in enumerate(recording(FLAVOURS[flavour]).events):
            size, how = len(event) - CHECKSUM_SIZE, number % 4 << 1
            for place, bits in ((4, 1), (19, 1), (size // 2, 4), (size - 1, 1), (size - 1, 0)):
                yield bytes((flavour | how,)) + struct.pack("<BHB", number, place, bits)
