"""Which tables have yet to be copied, because the stream does not begin where they do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from cdc.following import Followed
from cdc.jobs import Job, JobKind, Options
from cdc.state_writes import StateWrite
from cdc.writers.jobs import requested
from cdc.writers.state import STREAMS


class Copy(NamedTuple):
    """A table, `schema.table`, and a collection that holds its rows."""

    table: str
    target: str

    def __str__(self) -> str:
        return f"{self.table} {self.target}"


def copies(tables: Iterable[str], followed: Followed) -> list[Copy]:
    """Return every collection that a table's rows go to."""
    return [
        Copy(table, mapping.target)
        for table in tables
        for mapping in followed.mappings(*table.split(".", 1))
    ]


def enlisted(stream: str, wanted: Iterable[Copy], covered: Collection[str]) -> list[StateWrite]:
    """Ask for a backfill of each copy that the stream does not cover yet, and cover it.

    The two are one transaction: a copy that is covered has been asked for.
    """
    new = [each for each in wanted if str(each) not in covered]
    if not new:
        return []
    jobs = [
        Job.request(
            stream, JobKind.BACKFILL, each.table, by="start", options=Options(target=each.target)
        )
        for each in new
    ]
    change = {"$addToSet": {"covered": {"$each": [str(each) for each in new]}}}
    return [*map(requested, jobs), StateWrite(STREAMS, {"_id": stream}, change)]
