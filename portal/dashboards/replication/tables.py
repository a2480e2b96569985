"""The tables of the stream: how large they are on both sides, and what is known of their copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from portal.dashboards.replication import jobs
from portal.dashboards.replication.recent import Recent
from portal.dashboards.replication.saved import Saved
from portal.dashboards.replication.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Table:
    """A table; None for what nobody can tell.

    `exact`: its rows were counted. `shared`: its collections hold other tables' documents too.
    """

    name: str
    collections: tuple[str, ...]
    shared: bool
    rows: int | None
    exact: bool
    documents: int | None
    changed_seconds_ago: float | None
    verified: jobs.Shown | None

    @classmethod
    def each(
        cls, saved: Saved, sizes: Sizes, recent: Recent, verified: dict[str, jobs.Shown]
    ) -> Iterator[Self]:
        """Yield the tables, in the order of their names."""
        homes = [each for targets in saved.copies.values() for each in targets]
        for name, targets in saved.copies.items():
            counts = [sizes.documents.get(each) for each in targets]
            yield cls(
                name,
                targets,
                shared=any(homes.count(each) > 1 for each in targets),
                rows=sizes.rows.get(name),
                exact=sizes.exact,
                documents=None if None in counts else sum(each or 0 for each in counts),
                changed_seconds_ago=recent.changed_seconds_ago.get(name),
                verified=verified.get(name),
            )
