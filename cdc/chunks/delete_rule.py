"""The fate of a document whose row is gone, if no event reports it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson

from cdc.mapping.file.policies import NOW, OnDelete, SoftDelete
from cdc.model.any_time import ANY_TIME
from cdc.model.operation import Operation, OperationKind
from cdc.writers.marks import marked
from cdc.writers.sharding import Paths

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class DeleteRule:
    """Applies `on_delete`; `$now` is the time at which the document was found.

    `shard` names documents beside their `_id`, so that a deletion must carry it.
    """

    on_delete: OnDelete
    shard: Paths = ()
    clock: Callable[[], float] = time.time

    def is_done(self, document: bytes) -> bool:
        """Return whether a document is already marked."""
        if not isinstance(self.on_delete, SoftDelete):
            return False
        decoded = bson.decode(document, ANY_TIME)
        return all(_is_set(_at(decoded, path), value) for path, value in self.on_delete.set.items())

    def of(self, identifier: bytes, document: bytes) -> Operation:
        """Return the operation that removes or marks a document."""
        if not isinstance(self.on_delete, SoftDelete):
            return Operation(OperationKind.DELETE, identifier, document if self.shard else b"")
        marks = {
            path: self._now() if value == NOW else value
            for path, value in self.on_delete.set.items()
        }
        return Operation(OperationKind.REPLACE, identifier, marked(document, marks))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


def _is_set(found: object, wanted: object) -> bool:
    if wanted == NOW:
        return isinstance(found, datetime)
    return found is not _ABSENT and found == wanted


def _at(document: Mapping[str, Any], path: str) -> object:
    found: object = document
    for name in path.split("."):
        found = found.get(name, _ABSENT) if isinstance(found, Mapping) else _ABSENT
    return found
