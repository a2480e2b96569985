"""Compressed transactions: the events inside a TRANSACTION_PAYLOAD event.

Format: `Transaction_payload_event` and its codec in MySQL's `libs/mysql/binlog/event/`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import zstandard

from cdc.errors import Corrupted, RefusedEvent
from cdc.readers.events import HEADER_SIZE, Event, parse
from cdc.readers.varint import packed

_SIZE_AT: Final = 9
"""Where an event's header holds the event's size."""


class _Field(IntEnum):
    END = 0
    SIZE = 1
    COMPRESSION = 2
    UNCOMPRESSED_SIZE = 3


class _Compression(IntEnum):
    ZSTD = 0
    NONE = 255


def unpack(event: Event) -> Iterator[Event]:
    """Yield the events inside, decompressed as they are asked for: memory stays bounded.

    They have no checksums of their own; the outer event's covers them.
    """
    try:
        compression, at = _header(event.data)
        stream = _open(compression, event.data[at:])
        while header := _exactly(stream, HEADER_SIZE, may_end=True):
            size = int.from_bytes(header[_SIZE_AT : _SIZE_AT + 4], "little")
            yield parse(header + _exactly(stream, size - HEADER_SIZE), checksum=False)
    except (zstandard.ZstdError, IndexError, KeyError) as error:
        raise Corrupted(f"a compressed transaction cannot be read: {error}") from error


def _header(data: bytes) -> tuple[int, int]:
    compression, at = int(_Compression.NONE), HEADER_SIZE
    while True:
        kind, at = packed(data, at)
        if kind == _Field.END:
            return compression, at
        size, at = packed(data, at)
        if kind == _Field.COMPRESSION:
            compression, _ = packed(data, at)
        at += size


def _open(compression: int, payload: bytes) -> io.BufferedReader | io.BytesIO:
    if compression == _Compression.NONE:
        return io.BytesIO(payload)
    if compression != _Compression.ZSTD:
        raise RefusedEvent(f"a transaction is compressed by algorithm {compression}, not by zstd")
    raw = zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True)
    return io.BufferedReader(raw, buffer_size=1 << 16)


def _exactly(stream: io.BufferedReader | io.BytesIO, size: int, *, may_end: bool = False) -> bytes:
    data = stream.read(size) if size >= 0 else b""
    if len(data) != size and not (may_end and not data):
        raise Corrupted("a compressed transaction is cut short")
    return data
