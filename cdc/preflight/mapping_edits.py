"""Detects mappings that were edited since the documents were written.

A mapping of tables that the stream has copied was edited if its fingerprint differs from theirs.
Its older documents do not match it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.job import ENDED, Job, JobKind
from cdc.model.table_name import split_name, table_and_target
from cdc.writers.accepted_mappings import Entry, State, stored


@dataclass(frozen=True, slots=True)
class MappingEdit:
    """A mapping that differs from the one by which `tables` were copied, accepted `since` then."""

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
        """The command to type."""
        return (
            "while no daemon runs, have them made anew:"
            f" cdc resync {' '.join(self.tables)}; or keep them as they are:"
            " cdc run --accept-mapping-change"
        )

    def is_mended_by(self, jobs: Iterable[Job]) -> bool:
        """Return whether a resync of each of its tables is queued, and has not begun."""
        waiting = {
            job.table
            for job in jobs
            if job.kind is JobKind.RESYNC
            and job.state not in ENDED
            and job.progress is None
            and job.options.target in (None, self.mapping.target)
        }
        return waiting.issuperset(self.tables)


def edited(state: State | None, mappings: Sequence[TableMapping]) -> list[MappingEdit]:
    """Return the mappings that were edited after the stream copied their tables."""
    found = []
    for mapping in mappings:
        for entry in stored(state):
            tables = _shared(state, mapping, entry)
            if entry["fingerprint"] != mapping.fingerprint and tables:
                found.append(MappingEdit(mapping, entry["since"], tables))
    return found


def unresolved(
    state: State | None, mappings: Sequence[TableMapping], jobs: Iterable[Job]
) -> list[MappingEdit]:
    """Return the edits for which no resync was requested."""
    waiting = list(jobs)
    return [each for each in edited(state, mappings) if not each.is_mended_by(waiting)]


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
