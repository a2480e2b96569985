"""MySQL's binary JSON, transcoded to BSON without building Python values.

Format: `sql-common/json_binary.h` in MySQL's source. A value is a type byte and its data. An
object or array begins with its element count and its byte size, then come key entries (offset,
length), value entries (type, and an offset or the value itself), keys and values; offsets count
from the count field. "Large" containers have four-byte counts and offsets instead of two.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from cdc.mapping import bson_bytes
from cdc.mapping.bson_bytes import LENGTHS, STRING_LENGTHS, TABLE_SIZE, pack_int32
from cdc.mapping.types.cache import Cache
from cdc.mapping.types.encoder import Unrepresentable
from cdc.mapping.types.json_opaque import opaque

Encoded = tuple[bytes, bytes]

SMALL_OBJECT, LARGE_OBJECT, SMALL_ARRAY, LARGE_ARRAY = range(4)
LITERAL, INT16, UINT16, INT32, UINT32, INT64, UINT64, DOUBLE, STRING = range(4, 13)
OPAQUE = 15

LITERALS: dict[int, Encoded] = {
    0: (bson_bytes.NULL, b""),
    1: (bson_bytes.BOOLEAN, b"\x01"),
    2: (bson_bytes.BOOLEAN, b"\x00"),
}
MAX_DEPTH = 100
"""MySQL's `JSON_DOCUMENT_MAX_DEPTH`; MongoDB promises as much, and stores 180 levels."""
TOO_DEEP = f"JSON nests deeper than {MAX_DEPTH} levels"
GROWTH = 8
"""A larger ratio of BSON to JSON size shows offsets that run in circles."""

UINT16S = LENGTHS
INT16S = tuple(map(pack_int32, (*range(1 << 15), *range(-(1 << 15), 0))))

FIXED_TYPES = {
    SMALL_OBJECT: bson_bytes.DOCUMENT,
    LARGE_OBJECT: bson_bytes.DOCUMENT,
    SMALL_ARRAY: bson_bytes.ARRAY,
    LARGE_ARRAY: bson_bytes.ARRAY,
    INT16: bson_bytes.INT32,
    UINT16: bson_bytes.INT32,
    INT32: bson_bytes.INT32,
    DOUBLE: bson_bytes.DOUBLE,
    STRING: bson_bytes.STRING,
}
pack_uint32 = struct.Struct("<I").pack
NUMBERS = {
    INT64: struct.Struct("<q").unpack_from,
    UINT32: struct.Struct("<I").unpack_from,
    UINT64: struct.Struct("<Q").unpack_from,
}

SMALL_COUNT = 64
"""The most members of a container whose keys and entry layout are cached."""
SMALL_NAMES = 4096
"""The most bytes of keys that are cached."""


class RareKey:
    """A `Key` that is computed on access: much smaller, and slower to read."""

    __slots__ = ("_name",)

    def __init__(self, name: bytes) -> None:
        self._name = name + b"\0"

    def __getitem__(self, code: int) -> bytes:
        return FIXED_TYPES.get(code, b"") + self._name


Key = tuple[bytes, ...]
"""An element's header for each JSON type: BSON type byte and name; only the name if it varies."""
Keys = Sequence[Key | RareKey]


def key(name: bytes) -> Key:
    """Return the headers of elements named `name`; raises Unrepresentable for a NUL in it."""
    rare = rare_key(name)
    return tuple(rare[code] for code in range(OPAQUE + 1))


def rare_key(name: bytes) -> RareKey:
    """Return the headers as `key` does, for a name that may never occur again."""
    if b"\0" in name:
        raise Unrepresentable("a JSON key holds the character NUL")
    name.decode()
    return RareKey(name)


INDEXES = tuple(key(b"%d" % index) for index in range(1000))


@dataclass(frozen=True, slots=True)
class _Form:
    """The layout of a small or a large container: `code` is the struct code of its counts."""

    code: str
    header: struct.Struct
    last_key: struct.Struct

    @property
    def header_size(self) -> int:
        """The bytes before the entries."""
        return self.header.size


@lru_cache(maxsize=1024)
def _entries(codes: str, count: int) -> struct.Struct:
    return struct.Struct("<" + codes * count)


def _unpacked(codes: str, count: int, data: bytes, at: int) -> tuple[int, ...]:
    """Read `count` entries at an offset."""
    if count <= SMALL_COUNT:
        return _entries(codes, count).unpack_from(data, at)
    entry = _entries(codes, 1)
    entries = entry.iter_unpack(data[at : at + count * entry.size])
    return tuple(chain.from_iterable(entries))


SMALL = _Form("H", struct.Struct("<HH"), struct.Struct("<HH"))
LARGE = _Form("I", struct.Struct("<II"), struct.Struct("<IH"))
FORMS = (SMALL, LARGE, SMALL, LARGE)


Nested = Callable[[bytes, int, int, int], bytes]
"""Returns the BSON of a container, from its bytes, offset, type and remaining depth."""


def _whole(data: bytes, base: int, code: int, depth: int) -> bytes:
    return container(data, base, code, depth, _whole)


def transcode(data: bytes) -> Encoded:
    """Return BSON type byte and value bytes of a JSON value in MySQL's binary form."""
    if not data:
        return LITERALS[0]  # Field_json::val_json reads an empty value as JSON null
    code = data[0]
    if code <= LARGE_ARRAY:
        return FIXED_TYPES[code], _whole(data, 1, code, MAX_DEPTH)
    if code == LITERAL:
        return LITERALS[data[1]]
    if code in (INT16, UINT16):
        table = INT16S if code == INT16 else UINT16S
        return bson_bytes.INT32, table[data[1] | data[2] << 8]
    return scalar(data, code, 1)


def scalar(data: bytes, code: int, at: int) -> Encoded:
    """Return the value at an offset; it is no container."""
    if code == STRING:
        length, at = length_at(data, at)
        text = _exactly(data, at, length)
        text.decode()
        return bson_bytes.STRING, bson_bytes.string(text)
    if code == INT32:
        return bson_bytes.INT32, _exactly(data, at, 4)
    if code == DOUBLE:
        return bson_bytes.DOUBLE, _exactly(data, at, 8)
    if code in NUMBERS:
        return bson_bytes.integer(NUMBERS[code](data, at)[0])
    if code == OPAQUE:
        length, start = length_at(data, at + 1)
        return opaque(data[at], _exactly(data, start, length))
    raise ValueError("not a JSON type")


def _exactly(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) != size:
        raise ValueError("a JSON value ends early")
    return found


def length_at(data: bytes, at: int) -> tuple[int, int]:
    """Return a length in groups of seven bits, the lowest first, and the offset behind it."""
    length = 0
    for shift in range(0, 35, 7):
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length, at
    raise ValueError("a JSON length is too long")


def _keys(entries_and_names: tuple[bytes, bytes, str]) -> tuple[Key, ...]:
    """Return the keys of an object, from its key entries and the bytes from first to last name."""
    return tuple(map(key, _names(*entries_and_names)))


def _names(entries: bytes, names: bytes, codes: str) -> Iterator[bytes]:
    flat = _unpacked(codes, len(entries) // struct.calcsize("<" + codes), entries, 0)
    first = flat[0] if flat else 0
    for offset, length in zip(flat[::2], flat[1::2], strict=True):
        yield _exactly(names, offset - first, length)


KEYS: Cache[tuple[bytes, bytes, str], tuple[Key, ...]] = Cache(_keys, limit=512)


def _object_keys(data: bytes, base: int, form: _Form, count: int) -> Keys:
    if not count:
        return ()
    start = base + form.header_size
    end = start + count * form.last_key.size
    first = form.last_key.unpack_from(data, start)[0]
    last, length = form.last_key.unpack_from(data, end - form.last_key.size)
    found = data[start:end], data[base + first : base + last + length], form.code + "H"
    if count <= SMALL_COUNT and len(found[1]) <= SMALL_NAMES:
        return KEYS[found]
    return [rare_key(name) for name in _names(*found)]


def _array_keys(count: int) -> Keys:
    if count <= len(INDEXES):
        return INDEXES[:count]
    return [*INDEXES, *(RareKey(b"%d" % index) for index in range(len(INDEXES), count))]


def container(data: bytes, base: int, code: int, depth: int, nested: Nested) -> bytes:
    """Return the BSON of the container whose count is at `base`; `nested` converts inner ones."""
    if not depth:
        raise Unrepresentable(TOO_DEEP)
    form = FORMS[code]
    count, size = form.header.unpack_from(data, base)
    if base + size > len(data):
        raise ValueError("a JSON container ends early")
    at = base + form.header_size
    if code <= LARGE_OBJECT:
        keys = _object_keys(data, base, form, count)
        at += count * form.last_key.size
    else:
        keys = _array_keys(count)
    entries = _unpacked("B" + form.code, count, data, at)
    parts: list[bytes] = []
    room = GROWTH * len(data) + 64
    for name, kind, value in zip(keys, entries[::2], entries[1::2], strict=True):
        if kind == STRING:
            at = base + value
            length = data[at]
            at += 1
            if length > 127:
                length, at = length_at(data, at - 1)
                room -= length
                if room < 0:
                    raise ValueError("JSON offsets run in circles")
            text = data[at : at + length]
            if len(text) != length:
                raise ValueError("a JSON string ends early")
            if not text.isascii():
                text.decode()
            size = STRING_LENGTHS[length] if length < TABLE_SIZE - 1 else pack_int32(length + 1)
            parts += (name[STRING], size, text, b"\0")
        elif kind <= LARGE_ARRAY:
            inner = nested(data, base + value, kind, depth - 1)
            room -= len(inner)
            if room < 0:
                raise ValueError("JSON offsets run in circles")
            parts += (name[kind], inner)
        elif kind == LITERAL:
            bson_type, content = LITERALS[value]
            parts += (bson_type, name[LITERAL], content)
        elif kind == INT16:
            parts += (name[INT16], INT16S[value & 0xFFFF])
        elif kind == UINT16:
            parts += (name[UINT16], UINT16S[value & 0xFFFF])
        elif form is LARGE and kind == INT32:
            parts += (name[INT32], pack_uint32(value))
        elif form is LARGE and kind == UINT32:
            bson_type, content = bson_bytes.integer(value)
            parts += (bson_type, name[LITERAL], content)
        elif kind == DOUBLE:
            parts += (name[DOUBLE], _exactly(data, base + value, 8))
        else:
            bson_type, content = scalar(data, kind, base + value)
            parts += (bson_type, name[LITERAL], content)
    parts.append(b"\0")
    body = b"".join(parts)
    total = len(body) + 4
    if total > GROWTH * len(data) + 64:
        raise ValueError("JSON offsets run in circles")
    return (LENGTHS[total] if total < TABLE_SIZE else pack_int32(total)) + body
