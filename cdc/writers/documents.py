"""Reads the documents of a collection, as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument
from pymongo import MongoClient
from pymongo.collation import Collation
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from cdc.model.document_id import comparable, query
from cdc.native import native
from cdc.writers.collections import Collections
from cdc.writers.errors import explained
from cdc.writers.namespaces import Namespaces
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps

RAW: Final[CodecOptions[RawBSONDocument]] = DEFAULT_RAW_BSON_OPTIONS.with_options(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
BY_BYTES: Final = Collation("simple")
"""The collation of ids: two texts that differ are two ids."""

_ID_OFFSET: Final = 9
"""The offset of the value of a leading `_id`: behind the length, the type byte and the name."""

_FIXED_BYTES: Final = {
    0x01: 8,
    0x06: 0,
    0x07: 12,
    0x08: 1,
    0x09: 8,
    0x0A: 0,
    0x10: 4,
    0x11: 8,
    0x12: 8,
    0x13: 16,
    0x7F: 0,
    0xFF: 0,
}
_REGEX: Final = 0x0B
_LENGTH: Final = Struct("<i").unpack_from
_BESIDE_LENGTH: Final = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
"""The bytes of other values beside those that their length counts: strings, documents, …"""


class Documents:
    """The documents of one stream as its batches have left them, without their stamps.

    Of those the last may not be at a majority yet.
    """

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        namespaces: Namespaces,
        stamps: SyncTimestamps = NO_STAMPS,
    ) -> None:
        self._collections = Collections(client, namespaces, read_concern=ReadConcern("local"))
        self._stamps = stamps

    def is_empty(self, collection: str, *, within: Mapping[str, Any]) -> bool:
        """Return whether it holds no document; of `within` only a range of ids counts.

        Anything else would take a look at every document.
        """
        within = {name: value for name, value in within.items() if name == "_id"}
        with explained():
            found = self._collection(collection).find(within, {"_id": 1}).limit(1)
            return next(iter(found.collation(BY_BYTES)), None) is None

    def ids(
        self, collection: str, *, after: bytes | None, limit: int, within: Mapping[str, Any]
    ) -> list[bytes]:
        """Return the `limit` ids that follow `after` in MongoDB's order, of documents `within`.

        Ids are type byte and value bytes, as in `Operation`.
        """
        found = self._collection(collection).find(within, {"_id": 1}).hint([("_id", 1)])
        found = found.sort("_id", 1).limit(limit + 1).collation(BY_BYTES)
        if after is not None:
            # `$gt` would skip the ids of other types; the bound is one of the index.
            found = found.min([("_id", bson_value(after))])
            if (ids := within.get("_id")) is not None:
                found = found.max([("_id", ids["$lt"])])  # nothing behind it is looked at
        with explained():
            ids = [document_id(bytes(document.raw)) for document in found]
        return [each for each in ids if each != after][:limit]

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by their ids as MongoDB compares them.

        Of doubles, which several shards may have, one.
        """
        return {comparable(document_id(raw)): raw for raw in self.copies(collection, ids)}

    def copies(self, collection: str, ids: Sequence[bytes]) -> list[bytes]:
        """Return all documents of these ids; behind mongos every shard is asked for them."""
        wanted = {"_id": {"$in": [bson_value(each) for each in ids]}}
        found = self._collection(collection).find(wanted, self._stamps.hidden(collection))
        found = found.collation(BY_BYTES)
        with explained():
            # From 4,096 bytes on pymongo returns a memoryview.
            return [bytes(document.raw) for document in found]

    def _collection(self, name: str) -> Collection[Any]:
        return self._collections.of(name, codec_options=RAW)


def documents_in(batch: bytes) -> Iterator[bytes]:
    """Yield the documents of a batch as pymongo reads it raw: one behind the other."""
    at = 0
    while at < len(batch):
        end = at + _LENGTH(batch, at)[0]
        yield batch[at:end]
        at = end


def document_id(raw: bytes) -> bytes:
    """Return the id of a document; in a target's documents it is the first field."""
    if native is not None and (found := native.document_id(raw)) is not None:
        return found
    return id_step_by_step(raw)


def id_step_by_step(raw: bytes) -> bytes:
    """Return what `document_id` does, without the native module."""
    return raw[4:5] + raw[_ID_OFFSET : id_end(raw)]


def id_end(raw: bytes) -> int:
    """Return the offset behind the `_id` with which a document begins."""
    return value_end(raw, raw[4], _ID_OFFSET)


def elements(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a document's fields: the name, and the value as type byte and bytes."""
    at = 4
    while raw[at]:
        start = raw.index(b"\0", at + 1) + 1
        end = value_end(raw, raw[at], start)
        yield raw[at + 1 : start - 1].decode(errors="replace"), raw[at : at + 1] + raw[start:end]
        at = end


def value_end(raw: bytes, kind: int, at: int) -> int:
    """Return the offset behind a value that begins at an offset (bsonspec.org)."""
    if (fixed := _FIXED_BYTES.get(kind)) is not None:
        return at + fixed
    if kind == _REGEX:
        return raw.index(b"\0", raw.index(b"\0", at) + 1) + 1
    length: int = _LENGTH(raw, at)[0]
    return at + length + _BESIDE_LENGTH[kind]


def bson_value(identifier: bytes) -> Any:
    """Return a value, type byte and bytes, as it is put into a filter."""
    return bson.decode(query(identifier), codec_options=RAW)["_id"]
