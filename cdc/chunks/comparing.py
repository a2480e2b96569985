"""Holds documents against what the rows say they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import bson

from cdc.dead_letters import Failure
from cdc.operations import Operation
from cdc.writers.batch import ANY_TIME, comparable, id_value
from cdc.writers.documents import id_end

Kind = Literal["missing", "extra", "different"]


class Difference(NamedTuple):
    """A document that is not as its row says; `fields` are the dotted paths that differ.

    `id` is empty where the row's cannot be told. `note` says why it may be so.
    """

    collection: str
    kind: Kind
    id: bytes
    fields: tuple[str, ...] = ()
    note: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return it as it stands in a job's progress; `_id` is the document's own."""
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
    """Yield what is missing or different, with the operation that would mend it.

    `found` are documents by their comparable ids. The `_id`s themselves are equal as MongoDB
    compares them; whether it is an int32 or an int64 stays as it was first written.
    """
    for operation in wanted:
        raw = found.get(comparable(operation.id))
        if raw is None:
            yield Difference(collection, "missing", operation.id), operation
        elif raw[id_end(raw) :] != operation.document[id_end(operation.document) :]:
            fields = tuple(_differing(_decoded(operation.document), _decoded(raw)))
            yield Difference(collection, "different", operation.id, fields), operation


def unmapped(
    collection: str, failures: Iterable[Failure], found: Mapping[object, bytes]
) -> Iterator[Difference]:
    """Yield the rows that cannot be carried over; `found` as above."""
    for each in failures:
        there = bool(each.id) and comparable(each.id) in found
        note = f"the row cannot be carried over: {each.error}"
        yield Difference(collection, "different" if there else "missing", each.id, (), note)


_ABSENT = object()


def _decoded(raw: bytes) -> Mapping[str, Any]:
    return bson.decode(raw, ANY_TIME)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*one, *other]):
        if name == "_id" and not prefix:
            continue
        mine, theirs = one.get(name, _ABSENT), other.get(name, _ABSENT)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from _differing(mine, theirs, f"{prefix}{name}.")
        elif type(mine) is not type(theirs) or mine != theirs:
            yield prefix + name
