"""Decides which embedded values are to blame if the target refuses a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cdc.mapping.file.allowed_names import nested
from cdc.writers.dead_letters.quarantine import MAX_ERROR
from cdc.writers.embedding.bson_paths import value_at
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.terms import Refusal
from cdc.writers.errors import DUPLICATE_KEY, Refused


def refusal_of(
    refused: Refused, edges: Sequence[Edge], known: Refusal | None, *, derived: bool
) -> Refusal | None:
    """Return what to leave out of a document at the next attempt; None if it is the row's fault.

    `known` is what was left out already. A duplicate key names its fields; for any other reason all
    values are left out. A `derived` document that is refused without them stays as it is: its own
    fields have been taken before.
    """
    if refused.reason is None or not edges:
        return None
    before = frozenset() if known is None else known.paths
    paths = {*_blamed(refused, edges)} - before
    if not paths and not derived:
        return None
    text = f"{refused.text[:MAX_ERROR]} (code {refused.code})"
    every = frozenset(each.path for each in edges)
    return Refusal(before | paths if paths else every, refused.reason, text, stays=not paths)


def _blamed(refused: Refused, edges: Iterable[Edge]) -> list[Path]:
    """Return the paths of the values that may be at fault, and that are not empty."""
    document = refused.operation.document
    full = [each.path for each in edges if value_at(document, each.path) != each.value_without]
    if refused.code != DUPLICATE_KEY:
        return full
    return [path for path in full if any(_overlap(path, each) for each in refused.key_pattern)]


def _overlap(path: Path, key: str) -> bool:
    dotted = ".".join(path)
    return dotted == key or nested(dotted, key) is not None
