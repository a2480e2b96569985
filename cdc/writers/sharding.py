"""What names a document where collections are sharded: its place, in filters and in comparisons.

See docs/architecture.md, "Sharded collections".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol, Self

from cdc.mapping import bson_bytes
from cdc.model.document_id import comparable, query
from cdc.model.operation import Operation
from cdc.writers.embedding.bson_paths import values_at
from cdc.writers.embedding.bson_walk import Path

Paths = tuple[Path, ...]
"""The fields of a collection's shard key outside `_id`; none where `_id` alone names a document."""


class _Keyed(Protocol):
    """A mapping's shard key of its collection."""

    @property
    def target(self) -> str:
        """The collection."""
        ...

    @property
    def shard_fields(self) -> tuple[str, ...]:
        """The dotted paths of the key's fields outside `_id`."""
        ...


@dataclass(frozen=True, slots=True)
class Sharding:
    """The paths of each collection that has some; `is_sharded`: the target is behind mongos."""

    paths: Mapping[str, Paths] = field(default_factory=dict)
    is_sharded: bool = False

    @classmethod
    def of(cls, mappings: Iterable[_Keyed]) -> Self:
        """Return what mappings say; those of one collection agree."""
        return cls({each.target: paths_of(each) for each in mappings if each.shard_fields})

    def on(self, *, is_sharded: bool) -> Sharding:
        """Return the same on a target that is, or is not, behind mongos."""
        return replace(self, is_sharded=is_sharded)

    def of_collection(self, name: str) -> Paths:
        """Return a collection's paths."""
        return self.paths.get(name, ())

    @property
    def keys(self) -> Mapping[str, Callable[[Sequence[Operation]], list[object]]]:
        """What compares the operations of those collections: two are equal at one place."""
        return {name: partial(_places, paths=paths) for name, paths in self.paths.items()}


NOT_SHARDED: Final = Sharding()


def paths_of(mapping: _Keyed) -> Paths:
    """Return the paths of a mapping's collection."""
    return tuple(tuple(path.split(".")) for path in mapping.shard_fields)


def place(document: bytes, paths: Paths) -> tuple[object, ...]:
    """Return the key values of a document, equal where MongoDB takes them for equal."""
    return tuple(comparable(each) for each in key_values(document, paths))


def place_of(identifier: bytes, document: bytes, paths: Paths) -> tuple[object, ...]:
    """Return a document's place, equal where MongoDB takes two for one; of none its `_id` alone."""
    return (comparable(identifier), *(place(document, paths) if document else ()))


def key_values(document: bytes, paths: Paths) -> list[bytes]:
    """Return the key values of a document; null for what is not there, as MongoDB has it."""
    return [bson_bytes.NULL if each is None else each for each in values_at(document, paths)]


def filters_of(operations: Iterable[Operation], paths: Paths) -> list[bytes]:
    """Return the filters of operations' documents: all that is known of their places, by equality.

    A deletion of a document of which none was found knows its `_id` alone.
    """
    if not paths:
        return [query(each.id) for each in operations]
    return [_filter(each, paths) for each in operations]


def _filter(operation: Operation, paths: Paths) -> bytes:
    if not operation.document:
        return query(operation.id)
    values = zip(paths, key_values(operation.document, paths), strict=True)
    fields = (b"%b%b\0%b" % (each[:1], ".".join(path).encode(), each[1:]) for path, each in values)
    return bson_bytes.document(query(operation.id)[4:-1] + b"".join(fields))


def _places(operations: Sequence[Operation], paths: Paths) -> list[object]:
    return [place_of(each.id, each.document, paths) for each in operations]
