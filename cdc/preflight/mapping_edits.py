"""Which mappings a stream's documents were made by, and which of today's would make others.

The state document lists them: `mappings: [{source, target, fingerprint, since}]`. A mapping over
tables that the stream has copied, with another fingerprint than theirs, was edited: its older
documents are not what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.job import ENDED, Job, JobKind
from cdc.model.table_name import split_name, table_and_target

Entry = Mapping[str, Any]
State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MappingEdit:
    """A mapping that is not the one by which `tables` were copied, accepted `since` then."""

    mapping: TableMapping
    since: datetime
    tables: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.mapping.source} → {self.mapping.target} is not the mapping by which its"
            f" documents were made (accepted {self.since:%Y-%m-%d %H:%M:%S})"
        )

    @property
    def remedy(self) -> str:
        """What to type."""
        return (
            "while no daemon runs, have them made anew:"
            f" cdc resync {' '.join(self.tables)}; or keep them as they are:"
            " cdc run --accept-mapping-change"
        )

    def is_mended_by(self, jobs: Iterable[Job]) -> bool:
        """Tell whether a resync of each of its tables is asked for, and has not begun."""
        waiting = {
            job.table
            for job in jobs
            if job.kind is JobKind.RESYNC
            and job.state not in ENDED
            and job.progress is None
            and job.options.target in (None, self.mapping.target)
        }
        return waiting.issuperset(self.tables)


def entries(
    mappings: Sequence[TableMapping], now: datetime, before: State | None = None
) -> list[dict[str, Any]]:
    """Return what to store: a mapping that was accepted before keeps its time."""
    since = {
        (each["source"], each["target"], each["fingerprint"]): each["since"]
        for each in _stored(before)
    }
    return [
        {
            "source": each.source,
            "target": each.target,
            "fingerprint": each.fingerprint,
            "since": since.get((each.source, each.target, each.fingerprint), now),
        }
        for each in mappings
    ]


def is_accepted(state: State | None, mapping: TableMapping) -> bool:
    """Tell whether the stream has made documents by this very mapping."""
    wanted = (mapping.source, mapping.target, mapping.fingerprint)
    return any(
        (each["source"], each["target"], each["fingerprint"]) == wanted for each in _stored(state)
    )


def edited(state: State | None, mappings: Sequence[TableMapping]) -> list[MappingEdit]:
    """Return the mappings that were edited over tables that the stream has copied."""
    found = []
    for mapping in mappings:
        for entry in _stored(state):
            tables = _shared(state, mapping, entry)
            if entry["fingerprint"] != mapping.fingerprint and tables:
                found.append(MappingEdit(mapping, entry["since"], tables))
    return found


def unresolved(
    state: State | None, mappings: Sequence[TableMapping], jobs: Iterable[Job]
) -> list[MappingEdit]:
    """Return the edits for which nobody has asked for a resync."""
    waiting = list(jobs)
    return [each for each in edited(state, mappings) if not each.is_mended_by(waiting)]


def _stored(state: State | None) -> Sequence[Entry]:
    """Return the entries; none of a state from before they were a list."""
    found = (state or {}).get("mappings")
    return found if isinstance(found, list) else ()


def _shared(state: State | None, mapping: TableMapping, entry: Entry) -> tuple[str, ...]:
    """Return the copied tables that both follow, into the same collection."""
    if entry["target"] != mapping.target:
        return ()
    pattern = source_pattern(entry["source"])
    return tuple(
        table
        for copied in (state or {}).get("covered", ())
        for table, target in table_and_target(copied)
        if target == mapping.target
        and mapping.follows(*split_name(table))
        and pattern.matches(*split_name(table))
    )
