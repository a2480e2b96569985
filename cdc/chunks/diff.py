"""Compares documents with their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from cdc.chunks.foreign_ids import NOTE, is_foreign
from cdc.chunks.table import Collection
from cdc.mapping.bson_bytes import DOCUMENT
from cdc.model.dead_letter import Failure
from cdc.model.document_id import comparable, id_value
from cdc.model.operation import Operation
from cdc.writers.documents import document_id, elements, id_end

Fields = list[tuple[str, bytes]]
"""The fields of a document in order: names, and values as type byte and bytes."""

Kind = Literal["missing", "extra", "different"]


class Difference(NamedTuple):
    """A document that differs from its row; `fields` are the dotted paths that differ.

    `id` is empty if the row's is unknown. `note` is a possible reason. `foreign`: no mapping could
    have made the document.
    """

    collection: str
    kind: Kind
    id: bytes
    fields: tuple[str, ...] = ()
    note: str = ""
    foreign: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return it as a job's progress stores it; `_id` is the document's own."""
        document = {
            "collection": self.collection,
            "kind": self.kind,
            "_id": id_value(self.id) if self.id else None,
            "fields": list(self.fields),
        }
        return {**document, "note": self.note} if self.note else document


def differences(
    collection: str, wanted: list[Operation], found: Mapping[object, bytes]
) -> Iterator[tuple[Difference, Operation]]:
    """Yield what is missing or different, with the operation that repairs it.

    `found` are documents by their comparable ids. The `_id`s themselves are equal to MongoDB; one
    stays an int32 or an int64 as it was first written.
    """
    for operation in wanted:
        raw = found.get(comparable(operation.id))
        if raw is None:
            yield Difference(collection, "missing", operation.id), operation
        elif raw[id_end(raw) :] != operation.document[id_end(operation.document) :]:
            fields = tuple(_differing(operation.document, raw))
            yield Difference(collection, "different", operation.id, fields), operation


def extra(
    collection: Collection, documents: Iterable[bytes]
) -> Iterator[tuple[Difference, Operation]]:
    """Yield those of documents whose rows are gone, with the operation of `on_delete`."""
    for raw in documents:
        if collection.is_gone(raw):
            continue
        identifier = document_id(raw)
        foreign = is_foreign(identifier, collection.lone_field)
        found_extra = Difference(
            collection.name, "extra", identifier, note=NOTE if foreign else "", foreign=foreign
        )
        yield found_extra, collection.removed(identifier, raw)


def unmapped(
    collection: str, failures: Iterable[Failure], found: Mapping[object, bytes]
) -> Iterator[Difference]:
    """Yield the rows that cannot be mapped; `found` as above."""
    for each in failures:
        there = bool(each.id) and comparable(each.id) in found
        note = f"the row cannot be carried over: {each.error}"
        yield Difference(collection, "different" if there else "missing", each.id, (), note)


def _differing(one: bytes, other: bytes) -> Iterator[str]:
    """Yield the dotted paths at which two documents differ beside their ids: one at least.

    Values are compared as bytes: to Python 0.0 is -0.0, and 1 an int64 as well as an int32.
    """
    return _paths([*elements(one)][1:], [*elements(other)][1:])


def _paths(mine: Fields, theirs: Fields) -> Iterator[str]:
    one, other = dict(mine), dict(theirs)
    if one == other:  # the order differs, or a field occurs twice
        moved = sorted({*enumerate(mine)} ^ {*enumerate(theirs)})
        yield from dict.fromkeys(name for _, (name, _) in moved)
    for name in {**one, **other}:
        value, their_value = one.get(name, b""), other.get(name, b"")
        if value == their_value:
            continue
        if value[:1] == their_value[:1] == DOCUMENT:
            inner = _paths([*elements(value[1:])], [*elements(their_value[1:])])
            yield from (f"{name}.{path}" for path in inner)
        else:
            yield name
