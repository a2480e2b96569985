"""Tracks the tables that must still be copied, because the stream begins later than they do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import leads_back
from cdc.model.checkpoint import STREAMS
from cdc.model.job import Job, JobKind, Options
from cdc.model.state_change import StateWrite
from cdc.model.table_name import split_name, table_and_target
from cdc.writers.jobs import queue_write


class Copy(NamedTuple):
    """A table, `schema.table`, and a collection that holds its rows."""

    table: str
    target: str
    leads_back: bool = True
    """Whether rows are found by its documents' ids."""

    def __str__(self) -> str:
        return f"{self.table} {self.target}"


def copies(tables: Iterable[str], router: TableRouter) -> list[Copy]:
    """Return every collection that a table's rows go to."""
    return [
        Copy(table, mapping.target, leads_back(mapping))
        for table in tables
        for mapping in router.mappings(*split_name(table))
    ]


def queue_backfills(
    stream: str, wanted: Iterable[Copy], covered: Collection[str], left: Collection[str] = ()
) -> list[StateWrite]:
    """Return the writes that queue a backfill of each uncovered copy, and mark it covered.

    A copy that it covered and `left` has missed later deletes: it is resynced, if its ids allow
    that. All is one transaction: a backfill of every covered copy is queued.
    """
    new = [each for each in wanted if str(each) not in covered]
    if not new:
        return []
    names = [str(each) for each in new]
    jobs = [
        Job.request(
            stream,
            JobKind.RESYNC if str(each) in left and each.leads_back else JobKind.BACKFILL,
            each.table,
            by="start",
            options=Options(target=each.target),
        )
        for each in new
    ]
    change = {"$addToSet": {"covered": {"$each": names}}, "$pull": {"left": {"$in": names}}}
    return [*map(queue_write, jobs), StateWrite(STREAMS, {"_id": stream}, change)]


def mark_covered(stream: str, copies_made: Iterable[Copy]) -> list[StateWrite]:
    """Return the writes that mark copies as covered which the stream makes from their first row on.

    A copy that was `left` may hold documents of another table's rows: it stays to be resynced.
    """
    return [
        StateWrite(
            STREAMS,
            {"_id": stream, "left": {"$ne": str(each)}},
            {"$addToSet": {"covered": str(each)}},
        )
        for each in copies_made
    ]


def uncovered(stream: str, covered: Iterable[str], router: TableRouter) -> list[StateWrite]:
    """Return the writes that uncover copies that no mapping follows any more."""
    gone = [each for each in covered if not _is_followed(each, router)]
    if not gone:
        return []
    change = {"$pull": {"covered": {"$in": gone}}, "$addToSet": {"left": {"$each": gone}}}
    return [StateWrite(STREAMS, {"_id": stream}, change)]


def _is_followed(copy: str, router: TableRouter) -> bool:
    """Return whether some mapping makes the stored text of a `Copy`; names may hold spaces."""
    return any(
        each.target == target
        for table, target in table_and_target(copy)
        for each in router.mappings(*split_name(table))
    )
