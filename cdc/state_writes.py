"""Writes to the state database that commit together with a batch and its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StateWrite:
    """One update of a document in `collection` of the state database.

    `change` is an update document, a replacement or an update pipeline. With `upsert` a document
    that does not match `query` is made; without, nothing happens then. It may be sent again after a
    lost answer, so it must do the same when it is applied twice.
    """

    collection: str
    query: Mapping[str, Any]
    change: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    upsert: bool = False
