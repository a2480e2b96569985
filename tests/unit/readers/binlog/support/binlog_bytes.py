"""Builds binlog events, byte by byte, as the servers write them."""

from __future__ import annotations

import struct
import uuid
import zlib

import zstandard

from cdc.readers.binlog.events import Event, EventType, parse

SERVER = uuid.UUID("11111111-2222-3333-4444-555555555555")
TIMESTAMP = 1_700_000_000


def event(kind: int, body: bytes, *, end: int = 0, flags: int = 0, server_id: int = 1) -> Event:
    return parse(raw(kind, body, end=end, flags=flags, server_id=server_id), checksum=True)


def raw(kind: int, body: bytes, *, end: int = 0, flags: int = 0, server_id: int = 1) -> bytes:
    header = struct.pack("<IBIIIH", TIMESTAMP, kind, server_id, 23 + len(body), end, flags)
    return header + body + struct.pack("<I", zlib.crc32(header + body))


def gtid(number: int, *, end: int = 0) -> Event:
    body = b"\0" + SERVER.bytes + struct.pack("<QBQQ", number, 2, 0, 1)
    return event(EventType.GTID, body + (1_700_000_000_123_456).to_bytes(7, "little"), end=end)


def anonymous(*, end: int = 0) -> Event:
    body = bytes(17) + struct.pack("<QBQQ", 0, 2, 0, 1) + bytes(7)
    return event(EventType.ANONYMOUS_GTID, body, end=end)


def mariadb_gtid(sequence: int, *, domain: int = 0, server_id: int = 1, flags: int = 0) -> Event:
    body = struct.pack("<QIB6x", sequence, domain, flags)
    return event(EventType.MARIADB_GTID, body, server_id=server_id)


def query(
    statement: str,
    *,
    schema: str = "db",
    end: int = 0,
    flags: int = 0,
    error: int = 0,
    status: bytes = b"",
) -> Event:
    body = struct.pack("<IIBHH", 1, 0, len(schema), error, len(status)) + status
    body += schema.encode() + b"\0" + statement.encode()
    return event(EventType.QUERY, body, end=end, flags=flags)


def compressed_query(statement: str) -> Event:
    """A QUERY event of MariaDB's log_bin_compress, without a default schema."""
    packed = b"\x82" + len(statement).to_bytes(2, "big") + zlib.compress(statement.encode())
    body = struct.pack("<IIBHH", 1, 0, 0, 0, 0) + b"\0" + packed
    return event(EventType.QUERY_COMPRESSED, body)


def loading(statement: str, *, schema: str = "db") -> Event:
    """EXECUTE_LOAD_QUERY."""
    body = struct.pack("<IIBHH", 1, 0, len(schema), 0, 0) + bytes(13)
    body += schema.encode() + b"\0" + statement.encode()
    return event(EventType.EXECUTE_LOAD_QUERY, body)


def table_map(table_id: int, table: str = "t", *, schema: str = "db", names: bool = True) -> Event:
    """One INT column named `id`, its primary key."""
    body = table_id.to_bytes(6, "little") + b"\1\0"
    body += bytes([len(schema)]) + schema.encode() + b"\0"
    body += bytes([len(table)]) + table.encode() + b"\0"
    body += b"\x01\x03\x00\x00"
    if names:
        body += b"\x01\x01\x80" + b"\x04\x03\x02id" + b"\x08\x01\x00"
    return event(EventType.TABLE_MAP, body)


def write_rows(table_id: int, *ids: int) -> Event:
    body = table_id.to_bytes(6, "little") + b"\1\0\2\0" + b"\x01\x01"
    body += b"".join(b"\0" + number.to_bytes(4, "little") for number in ids)
    return event(EventType.WRITE_ROWS, body)


def xid(*, end: int = 0) -> Event:
    return event(EventType.XID, bytes(8), end=end)


def xa_prepare(*, one_phase: bool) -> Event:
    return event(EventType.XA_PREPARE, bytes([one_phase]) + bytes(12))


def payload(*inside: Event) -> Event:
    """Return a TRANSACTION_PAYLOAD event that holds others, which have no checksums there."""
    bare = [
        each.data[:9] + len(each.data).to_bytes(4, "little") + each.data[13:] for each in inside
    ]
    body = b"".join(bare)
    fields = b"\x02\x01\x00\x03\x03\xfc" + len(body).to_bytes(2, "little") + b"\x00"
    return event(EventType.TRANSACTION_PAYLOAD, fields + zstandard.compress(body))


def rotate(file: str, offset: int = 4, *, artificial: bool = False, end: int = 99) -> Event:
    body = offset.to_bytes(8, "little") + file.encode()
    return event(EventType.ROTATE, body, end=0 if artificial else end, flags=0x20 * artificial)


def format_description(*, created: int = TIMESTAMP) -> Event:
    body = struct.pack("<H50sIB", 4, b"9.7.4", 0, 19) + bytes(40) + b"\1"
    header = struct.pack("<IBIIIH", created, EventType.FORMAT_DESCRIPTION, 1, 23 + len(body), 0, 0)
    checked = header + body
    return parse(checked + struct.pack("<I", zlib.crc32(checked)), checksum=True)
