"""Which jobs repair tables that the stream has passed by, and what no job can repair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping, leads_back
from cdc.model.job import Job, JobKind, Options
from cdc.model.table_name import split_name

EXPRESSIONS: Final = "its ids are expressions"


@dataclass(frozen=True, slots=True)
class Repair:
    """The jobs that repair tables, and what no job can repair."""

    jobs: tuple[Job, ...]
    left: tuple[str, ...]


def repaired(stream: str, mappings: Sequence[Mapping], tables: Iterable[str], *, by: str) -> Repair:
    """Return a resync of each table; if ids are expressions, a backfill and what it leaves."""
    followed = TableRouter(mappings)
    found = [
        repair_of(stream, table, followed.mappings(*split_name(table)), by=by) for table in tables
    ]
    return Repair(
        tuple(job for each in found for job in each.jobs),
        tuple(text for each in found for text in each.left),
    )


def repair_of(stream: str, table: str, mappings: Iterable[Mapping], *, by: str) -> Repair:
    """Return what repairs one table, which these mappings follow."""
    own = tuple(mappings)
    if all(map(leads_back, own)):
        return Repair((Job.request(stream, JobKind.RESYNC, table, by=by),), ())
    jobs = [
        Job.request(
            stream,
            JobKind.RESYNC if leads_back(each) else JobKind.BACKFILL,
            table,
            by=by,
            options=Options(target=each.target),
        )
        for each in sorted(own, key=leads_back, reverse=True)
    ]
    left = [
        f"{each.target}: {EXPRESSIONS}, so documents of rows of {table} that are gone stay; delete"
        " them by hand"
        for each in own
        if not leads_back(each)
    ]
    return Repair(tuple(jobs), tuple(left))
