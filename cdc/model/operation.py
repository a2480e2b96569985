"""The operations that a plan requests of the target, in bytes that are ready to send."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class OperationKind(IntEnum):
    """The operations on one document."""

    INSERT = 0
    REPLACE = 1
    DELETE = 2


class Operation(NamedTuple):
    """One operation on one document.

    `id` is the document's `_id` as a BSON value: its type byte followed by its value's bytes
    (bsonspec.org, `element` without the name). `document` is the whole BSON document, `_id` first;
    empty for a delete, but where a shard key has fields outside `_id`: then it has these, as they
    were, and `_id`. An INSERT is one at the source: the target may already have the document.
    """

    kind: OperationKind
    id: bytes
    document: bytes = b""
