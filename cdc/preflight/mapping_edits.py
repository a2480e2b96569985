"""Detects mappings that were edited since the documents were written.

A mapping of tables that the stream has copied was edited if its fingerprint differs from theirs.
Its older documents do not match it. If `hidden` was edited they are not even where it looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.mapping.file.mapping import leads_back
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.job import ENDED, Job, JobKind
from cdc.model.table_name import split_name, table_and_target
from cdc.writers.accepted_mappings import Entry, State, stored


class Copied(NamedTuple):
    """A table, `schema.table`, and a collection that has its rows; None for all that have."""

    table: str
    target: str | None


@dataclass(frozen=True, slots=True)
class MappingEdit:
    """A mapping that differs from the one by which `tables` were copied, accepted `since` then.

    If `has_moved` its documents belong elsewhere: there are none to keep. `above` are the copies of
    tables whose documents embed them, and may hold some that went before they came. `by` is the
    kind of job that makes the documents anew: if ids are expressions, no resync can.
    """

    mapping: TableMapping
    since: datetime
    tables: tuple[str, ...]
    has_moved: bool = False
    above: tuple[Copied, ...] = ()
    by: JobKind = JobKind.RESYNC

    def __str__(self) -> str:
        if self.has_moved:
            now = "is hidden now" if self.mapping.hidden else "is no longer hidden"
            return (
                f"{self.mapping.source} → {self.mapping.target} {now}: the documents that it made"
                f" before (accepted {self.since:%Y-%m-%d %H:%M:%S}) are in another database"
            )
        return (
            f"{self.mapping.source} → {self.mapping.target} is not the mapping by which its"
            f" documents were made (accepted {self.since:%Y-%m-%d %H:%M:%S})"
        )

    @property
    def remedy(self) -> str:
        """The command to type, if no other mapping was edited."""
        return remedy_of([self])

    def is_mended_by(self, jobs: Iterable[Job]) -> bool:
        """Return whether a job that makes it good is queued for each table, and has not begun."""
        waiting = {
            Copied(job.table, job.options.target)
            for job in jobs
            if job.kind in {JobKind.RESYNC, self.by} and not job.options.reads_a_range
            if job.state not in ENDED and job.progress is None
        }
        wanted = [*(Copied(each, self.mapping.target) for each in self.tables), *self.above]
        return all(not waiting.isdisjoint({each, Copied(each.table, None)}) for each in wanted)


def remedy_of(edits: Sequence[MappingEdit]) -> str:
    """Return the commands that make good all of these edits: of one alone others may be left."""
    tables: dict[JobKind, dict[str, None]] = {}
    for each in edits:
        for table in (*each.tables, *(copied.table for copied in each.above)):
            tables.setdefault(each.by, {})[table] = None
    told = "; ".join(f"cdc {kind} {' '.join(names)}" for kind, names in tables.items())
    if any(each.has_moved for each in edits):
        return f"while no daemon runs, have them made anew, and those that embed them: {told}"
    return (
        f"while no daemon runs, have them made anew: {told}; or keep them as they are:"
        " cdc run --accept-mapping-change"
    )


def edited(state: State | None, mappings: Sequence[TableMapping]) -> list[MappingEdit]:
    """Return the mappings that were edited after the stream copied their tables."""
    found = []
    by_target: dict[str, list[Entry]] = {}
    for entry in stored(state):
        by_target.setdefault(entry["target"], []).append(entry)
    for mapping in mappings:
        for entry in by_target.get(mapping.target, ()):
            tables = _shared(state, mapping, entry)
            if tables and entry["fingerprint"] != mapping.fingerprint:
                has_moved = entry.get("hidden", False) != mapping.hidden
                above = _above(state, mapping, mappings) if has_moved else ()
                by = _made_anew_by((*tables, *(each.table for each in above)), mappings)
                found.append(MappingEdit(mapping, entry["since"], tables, has_moved, above, by))
    return found


def _made_anew_by(tables: Iterable[str], mappings: Sequence[TableMapping]) -> JobKind:
    """Return the kind of job that makes these tables' documents anew, whoever follows them."""
    names = [split_name(each) for each in tables]
    own = [each for each in mappings if any(each.follows(*name) for name in names)]
    return JobKind.RESYNC if all(map(leads_back, own)) else JobKind.BACKFILL


def unresolved(
    state: State | None, mappings: Sequence[TableMapping], jobs: Iterable[Job]
) -> list[MappingEdit]:
    """Return the edits for which no resync was requested."""
    waiting = list(jobs)
    return [each for each in edited(state, mappings) if not each.is_mended_by(waiting)]


def _shared(state: State | None, mapping: TableMapping, entry: Entry) -> tuple[str, ...]:
    """Return the copied tables that both follow, into their collection."""
    pattern = source_pattern(entry["source"])
    return tuple(
        each.table for each in _copied(state, mapping) if pattern.matches(*split_name(each.table))
    )


def _above(
    state: State | None, mapping: TableMapping, mappings: Sequence[TableMapping]
) -> tuple[Copied, ...]:
    """Return the copies of tables whose documents embed those of a mapping."""
    parents = {each.parent for each in EmbedGraph(mappings).above(mapping.target)}
    above = [each for each in mappings if each.target in parents]
    return tuple(copied for each in above for copied in _copied(state, each))


def _copied(state: State | None, mapping: TableMapping) -> Iterator[Copied]:
    """Yield the copies that a mapping follows; names may hold spaces."""
    for copied in (state or {}).get("covered", ()):
        if not copied.endswith(f" {mapping.target}"):
            continue
        for table, target in table_and_target(copied):
            if target == mapping.target and mapping.follows(*split_name(table)):
                yield Copied(table, target)
