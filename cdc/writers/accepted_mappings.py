"""The mappings that made a stream's documents, as its state document lists them.

`mappings: [{source, target, fingerprint, since}]`, `since` is the time of acceptance. Those of
hidden collections have `hidden: true`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cdc.mapping.file.mapping import Mapping as TableMapping

Entry = Mapping[str, Any]
State = Mapping[str, Any]
Key = tuple[str, str, str]


def entries(
    mappings: Sequence[TableMapping], now: datetime, before: State | None = None
) -> list[dict[str, Any]]:
    """Return the entries to store: a mapping that was accepted before keeps its time."""
    since = {
        (each["source"], each["target"], each["fingerprint"]): each["since"]
        for each in stored(before)
    }
    return [
        {
            "source": each.source,
            "target": each.target,
            "fingerprint": each.fingerprint,
            "since": since.get((each.source, each.target, each.fingerprint), now),
            **({"hidden": True} if each.hidden else {}),
        }
        for each in mappings
    ]


def key_of(mapping: TableMapping) -> Key:
    """Return what tells a mapping from its edits, and from others."""
    return mapping.source, mapping.target, mapping.fingerprint


def accepted_keys(state: State | None) -> set[Key]:
    """Return the keys of the mappings by which the stream has made documents."""
    return {(each["source"], each["target"], each["fingerprint"]) for each in stored(state)}


def stored(state: State | None) -> Sequence[Entry]:
    """Return the entries; none for a state from before they were a list."""
    found = (state or {}).get("mappings")
    return found if isinstance(found, list) else ()
