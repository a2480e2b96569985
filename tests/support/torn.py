"""Half a transaction at the end of a server's last binlog file, as a full disk leaves it.

The server has committed nothing of it: a transaction is in the binlog before it is committed.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from pathlib import Path
from typing import Final
from zlib import crc32

MAGIC: Final = 4
HEADER: Final = 19
CHECKSUM: Final = 4
MYSQL_GTID, MARIADB_GTID = 33, 162
_ROWS: Final = (23, 24, 25, 30, 31, 32)
_NUMBER_AT: Final = {MYSQL_GTID: HEADER + 17, MARIADB_GTID: HEADER}


class Torn(IntEnum):
    """The event of which only one half was written; those before it are whole."""

    GTID = 0
    ROWS = 1
    XID = 16
    """The one that commits."""


def last_binlog(data: Path) -> Path:
    """Return the last binlog file of a server's data folder."""
    return max(data.glob("*bin*.[0-9][0-9][0-9][0-9][0-9][0-9]"), key=lambda each: each.suffix)


def tear(binlog: Path, torn: Torn) -> None:
    """Append the last transaction once more, with the next GTID, up to half an event."""
    whole = binlog.read_bytes()
    events = _events(whole)
    begins = max(at for at, each in enumerate(events) if each[4] in _NUMBER_AT)
    ends = next(at for at in range(begins, len(events)) if events[at][4] == Torn.XID)
    offset, parts = len(whole), list[bytes]()
    for event in events[begins : ends + 1]:
        written = _again(event, offset)
        if _is(event, torn):
            parts.append(written[: len(written) // 2])
            break
        parts.append(written)
        offset += len(written)
    binlog.write_bytes(whole + b"".join(parts))


def _is(event: bytes, torn: Torn) -> bool:
    kind = event[4]
    if torn is Torn.GTID:
        return kind in _NUMBER_AT
    return kind == Torn.XID if torn is Torn.XID else kind in _ROWS


def _events(whole: bytes) -> list[bytes]:
    found, at = [], MAGIC
    while at < len(whole):
        size = int.from_bytes(whole[at + 9 : at + 13], "little")
        found.append(whole[at : at + size])
        at += size
    return found


def _again(event: bytes, offset: int) -> bytes:
    """Return an event as it is at another place, and a GTID with the next number."""
    made = bytearray(event[:-CHECKSUM])
    struct.pack_into("<I", made, 13, offset + len(event))
    if (at := _NUMBER_AT.get(event[4])) is not None:
        [number] = struct.unpack_from("<Q", made, at)
        struct.pack_into("<Q", made, at, number + 1)
    return bytes(made) + struct.pack("<I", crc32(made))
