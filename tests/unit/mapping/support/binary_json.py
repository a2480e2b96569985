"""Writes MySQL's binary JSON as `json_binary.h` documents it."""

from __future__ import annotations

import struct
from typing import Any

INT16, UINT16, INT32, UINT32, INT64, UINT64, DOUBLE, STRING = range(5, 13)
LITERALS = {None: b"\0", True: b"\1", False: b"\2"}
Encoded = tuple[int, bytes]


def encode(value: Any) -> bytes:
    kind, data = _value(value)
    return bytes((kind,)) + data


def length(size: int) -> bytes:
    encoded = b""
    while size > 127:
        encoded += bytes((size & 127 | 128,))
        size >>= 7
    return encoded + bytes((size,))


def _value(value: Any) -> Encoded:
    if value is None or isinstance(value, bool):
        return 4, LITERALS[value]
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return DOUBLE, struct.pack("<d", value)
    if isinstance(value, str):
        text = value.encode()
        return STRING, length(len(text)) + text
    try:
        return _container(value, large=False)
    except struct.error:
        return _container(value, large=True)


def _integer(value: int) -> Encoded:
    for kind, code in ((INT16, "<h"), (INT32, "<i"), (INT64, "<q"), (UINT64, "<Q")):
        try:
            return kind, struct.pack(code, value)
        except struct.error:
            continue
    raise OverflowError


def _container(value: Any, *, large: bool) -> Encoded:
    code, width = ("<I", 4) if large else ("<H", 2)
    named = isinstance(value, dict)
    pairs = value.items() if named else ((str(at), item) for at, item in enumerate(value))
    items = [(name.encode(), _value(item)) for name, item in pairs]
    if named:
        items.sort(key=lambda pair: (len(pair[0]), pair[0]))
    at = 2 * width + len(items) * (width + 1 + (width + 2) * named)
    keys = values = names = data = b""
    for name, _ in items if named else ():
        keys += struct.pack(code, at) + struct.pack("<H", len(name))
        names += name
        at += len(name)
    for _, (kind, raw) in items:
        inline = kind in (4, INT16, UINT16) or (large and kind in (INT32, UINT32))
        if inline:
            values += bytes((kind,)) + raw.ljust(width, b"\0")
        else:
            values += bytes((kind,)) + struct.pack(code, at)
            data += raw
            at += len(raw)
    header = struct.pack(code, len(items)) + struct.pack(code, at)
    return (0 if named else 2) + large, header + keys + values + names + data
