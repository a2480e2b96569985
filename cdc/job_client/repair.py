"""Which jobs repair tables that the stream has passed by, and what no job can repair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import IdExpression, Mapping
from cdc.model.job import Job, JobKind, Options
from cdc.model.table_name import split_name


@dataclass(frozen=True, slots=True)
class Repair:
    """The jobs that repair tables, and what no job can repair."""

    jobs: tuple[Job, ...]
    left: tuple[str, ...]


def repaired(stream: str, mappings: Sequence[Mapping], tables: Iterable[str], *, by: str) -> Repair:
    """Return a resync of each table; if ids are expressions, a backfill and what it leaves."""
    followed = TableRouter(mappings)
    jobs: list[Job] = []
    left: list[str] = []
    for table in tables:
        own = followed.mappings(*split_name(table))
        found_again = [each for each in own if not isinstance(each.id, IdExpression)]
        others = [each for each in own if isinstance(each.id, IdExpression)]
        if not others:
            jobs.append(Job.request(stream, JobKind.RESYNC, table, by=by))
            continue
        jobs += [_of_one(stream, JobKind.RESYNC, table, each, by) for each in found_again]
        jobs += [_of_one(stream, JobKind.BACKFILL, table, each, by) for each in others]
        left += [
            f"{each.target}: its ids are expressions, so documents of rows of {table} that are gone"
            " stay; delete them by hand"
            for each in others
        ]
    return Repair(tuple(jobs), tuple(left))


def _of_one(stream: str, kind: JobKind, table: str, mapping: Mapping, by: str) -> Job:
    return Job.request(stream, kind, table, by=by, options=Options(target=mapping.target))
