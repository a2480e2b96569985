"""GEOMETRY and its kinds: a little-endian SRID of 4 bytes, then well-known binary.

WKB: OGC 06-103r4, section 8.2. MySQL stores it with x as longitude in any reference system; GeoJSON
(RFC 7946) wants the same.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Typed, Unrepresentable

SRID = struct.Struct("<I")
HEADER = struct.Struct("<BI")
COUNT = struct.Struct("<I")
POINT = struct.Struct("<dd")
LITTLE_ENDIAN = 1
GEOJSON_SRIDS = frozenset({0, 4326})
MAX_DEPTH = 64

NAMES = (
    "Geometry",
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
COLLECTION = 7
NESTING = (0, 0, 1, 2, 1, 2, 3)
"""The nesting depth of each kind's coordinates; a point's is 0."""
MULTI = frozenset({4, 5, 6})
"""The kinds whose members are geometries with headers of their own."""


@dataclass(frozen=True, slots=True)
class Geometry(Typed):
    """A geometry as GeoJSON; in another reference system as `{srid, wkb}`."""

    bson_type: ClassVar[bytes] = bson_bytes.DOCUMENT

    def value(self, raw: bytes) -> bytes:
        """Return the GeoJSON, or `{srid, wkb}`."""
        (srid,) = SRID.unpack_from(raw)
        if srid not in GEOJSON_SRIDS:
            return _plain(srid, raw[SRID.size :])
        reader = _Reader(raw)
        document = reader.geometry(MAX_DEPTH)
        if reader.at != len(raw):
            raise ValueError("a geometry of the wrong length")
        return document


def _plain(srid: int, wkb: bytes) -> bytes:
    number_type, number = bson_bytes.integer(srid)
    return bson_bytes.document(
        number_type + b"srid\0" + number + bson_bytes.BINARY + b"wkb\0" + bson_bytes.binary(wkb)
    )


class _Reader:
    """Reads WKB from `at` on."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = SRID.size

    def geometry(self, depth: int) -> bytes:
        kind = self._header()
        if not depth:
            raise Unrepresentable("geometry collections nest too deep")
        if kind == COLLECTION:
            members = [self.geometry(depth - 1) for _ in range(self._count())]
            name, content = b"geometries\0", _array(bson_bytes.DOCUMENT, members)
        elif kind == 1:
            name, content = b"coordinates\0", self._point()
        else:
            name, content = b"coordinates\0", self._coordinates(kind)
        kind_name = bson_bytes.string(NAMES[kind].encode())
        return bson_bytes.document(
            bson_bytes.STRING + b"type\0" + kind_name + bson_bytes.ARRAY + name + content
        )

    def _header(self) -> int:
        order, kind = HEADER.unpack_from(self._raw, self.at)
        self.at += HEADER.size
        if order != LITTLE_ENDIAN or not 1 <= kind <= COLLECTION:
            raise ValueError("not a kind of geometry")
        return int(kind)

    def _count(self) -> int:
        (count,) = COUNT.unpack_from(self._raw, self.at)
        self.at += COUNT.size
        if count > len(self._raw):
            raise ValueError("a geometry with more members than bytes")
        return int(count)

    def _coordinates(self, kind: int) -> bytes:
        if kind not in MULTI:
            return self._points(NESTING[kind])
        members = []
        for _ in range(self._count()):
            member = self._header()
            if member != kind - 3:
                raise ValueError("a geometry of mixed kinds")
            members.append(self._point() if member == 1 else self._points(NESTING[member]))
        return _array(bson_bytes.ARRAY, members)

    def _points(self, nesting: int) -> bytes:
        read = self._point if nesting == 1 else lambda: self._points(nesting - 1)
        return _array(bson_bytes.ARRAY, [read() for _ in range(self._count())])

    def _point(self) -> bytes:
        x, y = self._raw[self.at : self.at + 8], self._raw[self.at + 8 : self.at + POINT.size]
        self.at += POINT.size
        if self.at > len(self._raw):
            raise ValueError("a geometry that ends early")
        return _array(bson_bytes.DOUBLE, [x, y])


def _array(item_type: bytes, items: list[bytes]) -> bytes:
    return bson_bytes.document(
        b"".join(b"%b%d\0%b" % (item_type, index, item) for index, item in enumerate(items))
    )
