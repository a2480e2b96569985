"""Retry: makes a few documents, named by dead letters, equal to their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bson

from cdc.chunks.backfill import copied
from cdc.chunks.passes import TablePasses
from cdc.chunks.table import Changes, Collection, MappedChunk
from cdc.chunks.windows import Window
from cdc.model.document_id import comparable
from cdc.model.job import Progress
from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import document_id


class Retry:
    """Writes some documents again, and removes those whose rows are gone."""

    def __init__(self, passes: TablePasses, keys: Sequence[Any]) -> None:
        """`keys` are the documents' ids."""
        self._passes = passes
        self._ids = [encoded(each) for each in keys]

    def run(self) -> None:
        """Look up their rows."""
        for collection in self._passes.table.collections:
            self._passes.probe(collection)
            self._passes.by_ids(collection, self._ids, self._retried)

    def _retried(
        self, collection: Collection, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        changes, progress = copied(self._passes, part, window, progress)
        asked = window.untouched_ids(collection.name, part.gone)
        away = _away(collection, asked, self._passes.copies(collection.name, asked))
        removed = progress.removed + len(away)
        left = (collection.name, away, collection.origin)
        return [*changes, left], replace(progress, removed=removed)


def _away(
    collection: Collection, ids: Sequence[bytes], documents: Sequence[bytes]
) -> list[Operation]:
    """Return operations after which no document of a missing row is left, if there was one."""
    there = {comparable(document_id(each)) for each in documents}
    absent = [each for each in ids if comparable(each) not in there]
    left = [_leaving(collection, document_id(each), each) for each in documents]
    return [*left, *(Operation(OperationKind.DELETE, each) for each in absent)]


def _leaving(collection: Collection, identifier: bytes, document: bytes) -> Operation:
    if collection.is_gone(document):
        return Operation(OperationKind.REPLACE, identifier, document)
    return collection.removed(identifier, document)


def encoded(key: Any) -> bytes:
    """Encode an `_id` as an operation's."""
    raw = bson.encode({"_id": key})
    return raw[4:5] + raw[9:-1]
