"""Compressed transactions: the events inside a TRANSACTION_PAYLOAD event.

Format: `Transaction_payload_event` and its codec in MySQL's `libs/mysql/binlog/event/`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

import zstandard

from cdc.errors import Corrupted, RefusedEvent
from cdc.readers.binlog.events import HEADER_SIZE, Event, parse
from cdc.readers.server.varint import packed

_SIZE_AT: Final = 9
"""The offset of the event's size in its header."""


_PIECE_BYTES: Final = 1 << 20


class _Field(IntEnum):
    END = 0
    SIZE = 1
    COMPRESSION = 2
    UNCOMPRESSED_SIZE = 3


_NUMBERS: Final = frozenset({_Field.SIZE, _Field.COMPRESSION, _Field.UNCOMPRESSED_SIZE})


class _Compression(IntEnum):
    ZSTD = 0
    NONE = 255


def unpack(event: Event) -> Iterator[Event]:
    """Yield the events inside, decompressed one by one to bound memory.

    They have no checksums of their own; the outer event's covers them. The last one, which commits,
    comes once all is found to add up.
    """
    last: Event | None = None
    try:
        header = _header(event.data)
        stream = _open(header.compression, event.data[header.end :])
        left = header.uncompressed_size
        while left > 0:
            begin = _exactly(stream, HEADER_SIZE)
            size = int.from_bytes(begin[_SIZE_AT : _SIZE_AT + 4], "little")
            if last is not None:
                yield last
            last = parse(begin + _exactly(stream, size - HEADER_SIZE), checksum=False)
            left -= size
        is_whole = left == 0 and not stream.read(1)
    except (zstandard.ZstdError, IndexError, KeyError) as error:
        raise Corrupted(f"a compressed transaction cannot be read: {error}") from error
    if not is_whole:
        raise Corrupted("a compressed transaction's events do not add up to its size")
    if last is not None:
        yield last


class _Header(NamedTuple):
    compression: int
    uncompressed_size: int
    end: int


def _header(data: bytes) -> _Header:
    values: dict[int, int] = {}
    at = HEADER_SIZE
    while True:
        kind, at = packed(data, at)
        if kind == _Field.END:
            compression = values.get(_Field.COMPRESSION, int(_Compression.NONE))
            return _Header(compression, values.get(_Field.UNCOMPRESSED_SIZE, len(data) - at), at)
        size, at = packed(data, at)
        value, end = packed(data, at)
        at += size
        if end != at and kind in _NUMBERS:
            raise Corrupted("a compressed transaction's fields do not end where they say")
        values[kind] = value


def _open(compression: int, payload: bytes) -> io.BufferedReader | io.BytesIO:
    if compression == _Compression.NONE:
        return io.BytesIO(payload)
    if compression != _Compression.ZSTD:
        raise RefusedEvent(f"a transaction is compressed by algorithm {compression}, not by zstd")
    raw = zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True)
    return io.BufferedReader(raw, buffer_size=1 << 16)


def _exactly(stream: io.BufferedReader | io.BytesIO, size: int) -> bytes:
    """Read in pieces: a damaged size of gigabytes must not allocate as many bytes."""
    pieces, left = [], size
    while left > 0 and (piece := stream.read(min(left, _PIECE_BYTES))):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise Corrupted("a compressed transaction is cut short")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
