"""Generates transcoders for JSON objects and arrays of frequent shapes.

A shape is what a container holds before its values: its keys and the types of its values. For each
frequent shape a function is generated that reads the values' offsets with one `struct` call and
joins headers, lengths and slices. `cdc.mapping.types.json` reads rare shapes and large containers;
the results of both must be equal. A value that the generated code does not cover raises, and that
module reads the row again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Part, Size, folded, joined
from cdc.mapping.codegen.generated import load
from cdc.mapping.types import json
from cdc.mapping.types.cache import Cache
from cdc.mapping.types.json import (
    FIXED_TYPES,
    INT16,
    INT32,
    LARGE_ARRAY,
    LITERAL,
    LITERALS,
    SMALL_ARRAY,
    SMALL_OBJECT,
    Encoded,
    Key,
)
from cdc.mapping.types.json_room import FULL, MAX_SHAPES, Room, Shapes, Transcoder

ShapeKey = tuple[bytes, bytes]
"""The types of an object's values, and its names back to back."""

MAX_ELEMENTS = 64
"""The most elements of a container that gets a function of its own."""
SHORT_ARRAY_BYTES = 16
"""The largest array whose BSON is cached: empty ones, a pair of small numbers, flags."""
MAX_BYTES = json.GROWTH << 16
"""No small container's BSON is this large; offsets that run in circles exceed it."""
EMPTY = bson_bytes.document(b"")


def transcode(data: bytes) -> Encoded:
    """Convert as `json.transcode` does, for ordinary values; raises for others."""
    code = data[0]
    if code != SMALL_OBJECT and code != SMALL_ARRAY:
        return json.transcode(data)
    if data[3] | data[4] << 8 >= len(data):
        raise ValueError("a JSON container ends early")
    if code == SMALL_OBJECT:
        return bson_bytes.DOCUMENT, _object(data, 1)
    return bson_bytes.ARRAY, _array(data, 1)


def _object(data: bytes, base: int) -> bytes:
    count = data[base]
    if data[base + 1] or count > MAX_ELEMENTS:
        return _nested(data, base, SMALL_OBJECT, json.MAX_DEPTH)
    if not count:
        return EMPTY
    values = base + 4 + 4 * count
    names = values + 3 * count
    size, shapes = KEY_ENTRIES[data[base + 4 : values]]
    return shapes[data[values:names:3], data[names : names + size]](data, base)


def _array(data: bytes, base: int) -> bytes:
    size = data[base + 2]
    if size <= SHORT_ARRAY_BYTES and not data[base + 3]:
        return SHORT_ARRAYS[data[base : base + size]]
    return _longer_array(data, base)


def _longer_array(data: bytes, base: int) -> bytes:
    count = data[base]
    if data[base + 1] or count > MAX_ELEMENTS:
        return _nested(data, base, SMALL_ARRAY, json.MAX_DEPTH)
    types = data[base + 4 : base + 4 + 3 * count : 3]
    if len(types) != count:
        raise ValueError("a JSON array ends early")
    return ARRAYS[types](data, base)


def _nested(data: bytes, base: int, code: int, depth: int) -> bytes:
    """Read a container of any shape; `_inside` reads the inner ones by their shapes."""
    return json.container(data, base, code, depth, _inside)


def _inside(data: bytes, base: int, code: int, depth: int) -> bytes:
    if code == SMALL_OBJECT:
        return _object(data, base)
    if code == SMALL_ARRAY:
        return _array(data, base)
    return _nested(data, base, code, depth)


class _KeyEntries(dict[bytes, tuple[int, Shapes]]):
    """For each run of key entries, the length of the names, and the shapes with such names."""

    _room = Room()

    def __missing__(self, entries: bytes) -> tuple[int, Shapes]:
        if not entries:
            raise ValueError("a JSON object ends early")
        if len(self) >= MAX_SHAPES:
            self.clear()
            self._room.empty()
        flat = struct.unpack(f"<{len(entries) // 2}H", entries)
        lengths = flat[1::2]
        if sum(lengths) > json.SMALL_NAMES or not _adjoin(flat[::2], lengths):
            return 0, PLAIN_OBJECTS

        def compile_shape(shape: ShapeKey) -> Transcoder:
            types, names = shape
            keys, at = [], 0
            for length in lengths:
                keys.append(json.key(names[at : at + length]))
                at += length
            return _compile(types, keys, 4 + len(entries))

        found = self[entries] = (sum(lengths), Shapes(compile_shape, _plain_object, self._room))
        return found


def _adjoin(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> bool:
    """Return whether the names lie back to back behind the value entries, as at first writing."""
    at = 4 + 7 * len(offsets)
    for offset, length in zip(offsets, lengths, strict=True):
        if offset != at:
            return False
        at += length
    return True


def _plain_object(data: bytes, base: int) -> bytes:
    return _nested(data, base, SMALL_OBJECT, json.MAX_DEPTH)


def _plain_array(data: bytes, base: int) -> bytes:
    return _nested(data, base, SMALL_ARRAY, json.MAX_DEPTH)


def _compile_array(types: bytes) -> Transcoder:
    return _compile(types, list(json.INDEXES[: len(types)]), 4)


def _compile(types: bytes, keys: list[Key], header_size: int) -> Transcoder:
    """Generate the transcoder of a shape whose value entries begin at `header_size`."""
    code = Emitter({"small_object": _object, "small_array": _array})
    code.lines.append("def transcode(data, base):")
    pairs = zip(types, keys, strict=True)
    elements = [_Element(code, at, kind, key) for at, (kind, key) in enumerate(pairs)]
    if elements:
        unpack = struct.Struct("<" + "".join(one.entry for one in elements)).unpack_from
        names = ", ".join(one.variable for one in elements)
        code.line(f"{names}, = {code.bind('unpack', unpack)}(data, base + {header_size})")
    parts: list[Part] = []
    size = Size(5)
    for one in elements:
        one_parts, one_size = one.emit()
        parts += one_parts
        size += one_size
    code.line(f"size = {size.expression()}")
    code.line(f"if size > {MAX_BYTES}: raise ValueError")
    code.bind("LENGTHS", bson_bytes.LENGTHS)
    code.bind("pack_int32", bson_bytes.pack_int32)
    length = f"(LENGTHS[size] if size < {bson_bytes.TABLE_SIZE} else pack_int32(size))"
    code.line(f"document = {joined(code, _named(code, [length, *parts, bytes(1)]))}")
    code.line("if len(document) != size: raise ValueError")
    code.line("return document")
    label = f"JSON values of types {types.hex(' ')}"
    transcoder: Transcoder = load("\n".join(code.lines), code.names, label)["transcode"]
    return transcoder


def _named(code: Emitter, parts: Iterable[Part]) -> Iterator[Part]:
    """Bind constants: they hold keys, which a traceback must not show."""
    for at, part in enumerate(folded(parts)):
        yield part if isinstance(part, str) else code.bind(f"constant_{at}", part)


class _Element:
    """One element of a shape: how its entry is read, and its code."""

    def __init__(self, code: Emitter, number: int, kind: int, key: Key) -> None:
        self._code = code
        self._kind = kind
        self._key = key
        self.variable = f"v{number}"
        self.entry = "xBx" if kind == LITERAL else "xH"

    def emit(self) -> tuple[list[Part], Size]:
        """Emit the computed parts; return the element's parts and their size."""
        match self._kind:
            case json.STRING:
                return self._string()
            case json.LITERAL:
                return self._literal()
            case json.INT16 | json.UINT16:
                return self._short()
            case json.INT32 | json.DOUBLE:
                return self._copied(4 if self._kind == INT32 else 8)
            case json.SMALL_OBJECT | json.SMALL_ARRAY:
                return self._container()
        return self._other()

    def _header(self) -> tuple[list[Part], Size]:
        header = self._key[self._kind]
        return [header], Size(len(header))

    def _string(self) -> tuple[list[Part], Size]:
        v = self.variable
        self._code.bind("STRING_LENGTHS", bson_bytes.STRING_LENGTHS)
        self._code.bind("long_string", _long_string)
        self._code.line(f"{v} += base + 1")
        self._code.line(f"n_{v} = data[{v} - 1]")
        self._code.line(f"if n_{v} < 128: size_{v} = STRING_LENGTHS[n_{v}]")
        self._code.line(f"else: n_{v}, {v}, size_{v} = long_string(data, {v} - 1)")
        self._code.line(f"text_{v} = data[{v}:{v} + n_{v}]")
        self._code.line(f"if not text_{v}.isascii(): text_{v}.decode()")
        parts, size = self._header()
        parts += [f"size_{v}", f"text_{v}", b"\0"]
        return parts, size + Size(5, (f"n_{v}",))

    def _literal(self) -> tuple[list[Part], Size]:
        v = self.variable
        name = self._key[LITERAL]
        table = tuple(kind + name + value for kind, value in (LITERALS[at] for at in range(3)))
        self._code.line(f"{v} = {self._code.bind(f'LITERALS_{v}', table)}[{v}]")
        return [v], Size(0, (f"len({v})",))

    def _short(self) -> tuple[list[Part], Size]:
        name, table = ("INT16S", json.INT16S) if self._kind == INT16 else ("UINT16S", json.UINT16S)
        parts, size = self._header()
        parts.append(f"{self._code.bind(name, table)}[{self.variable}]")
        return parts, size + Size(4)

    def _copied(self, width: int) -> tuple[list[Part], Size]:
        v = self.variable
        self._code.line(f"{v} += base")
        parts, size = self._header()
        parts.append(f"data[{v}:{v} + {width}]")
        return parts, size + Size(width)

    def _container(self) -> tuple[list[Part], Size]:
        v = self.variable
        function = "small_object" if self._kind == SMALL_OBJECT else "small_array"
        self._code.line(f"{v} = {function}(data, base + {v})")
        parts, size = self._header()
        parts.append(v)
        return parts, size + Size(0, (f"len({v})",))

    def _other(self) -> tuple[list[Part], Size]:
        v = self.variable
        scalar = self._code.bind("scalar", _scalar)
        self._code.line(f"t_{v}, {v} = {scalar}(data, {self._kind}, base + {v})")
        name = self._key[LITERAL]
        return [f"t_{v}", name, v], Size(1 + len(name), (f"len({v})",))


def _long_string(data: bytes, at: int) -> tuple[int, int, bytes]:
    length, start = json.length_at(data, at)
    return length, start, bson_bytes.pack_int32(length + 1)


def _scalar(data: bytes, code: int, at: int) -> Encoded:
    if code <= LARGE_ARRAY:
        return FIXED_TYPES[code], _nested(data, at, code, json.MAX_DEPTH)
    return json.scalar(data, code, at)


PLAIN_OBJECTS = Shapes(_compile_array, _plain_object, FULL)
ARRAYS = Shapes(_compile_array, _plain_array, Room())
SHORT_ARRAYS: Cache[bytes, bytes] = Cache(lambda array: _longer_array(array, 0), 1 << 15)
KEY_ENTRIES = _KeyEntries()
