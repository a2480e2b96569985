from __future__ import annotations

import zlib

import pytest

from cdc.errors import Corrupted
from cdc.readers.binlog.rows import uncompress


def compressed(raw: bytes) -> bytes:
    size = len(raw).to_bytes(3, "big")
    return bytes([0x80 | len(size)]) + size + zlib.compress(raw)


def test_mariadb_compressed_rows_are_restored() -> None:
    raw = b"row image " * 100

    assert uncompress(compressed(raw)) == raw


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00abc",
        b"\x90\x01abc",
        compressed(b"row image")[:-3],
        b"\x81\x05" + zlib.compress(b"longer than five"),
    ],
    ids=["empty", "no flag", "unknown algorithm", "cut short", "wrong length"],
)
def test_damaged_compressed_rows_are_an_error(data: bytes) -> None:
    with pytest.raises(Corrupted):
        uncompress(data)
