"""Chooses the job to work on: a copy of what is embedded comes before one of what embeds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.model.job import Job, JobKind, JobState

COPIES: Final = frozenset({JobKind.BACKFILL, JobKind.RESYNC})


class JobOrder:
    """Takes the jobs as they were asked for, but copies children before their parents.

    Either order ends in the same documents. In this one each parent is written once, whole.
    """

    def __init__(self, router: TableRouter, graph: EmbedGraph) -> None:
        self._router = router
        self._below: dict[str, frozenset[str]] = {}
        for name in graph.children_first():
            children = {each.child for each in graph.below(name)}
            self._below[name] = frozenset(children).union(*map(self._below.__getitem__, children))

    def first(self, jobs: Sequence[Job]) -> Job | None:
        """Return the job to work on of those that are open, the oldest first.

        One that runs goes on.
        """
        if not jobs:
            return None
        job = jobs[0]
        while job.state is not JobState.RUNNING and (before := self._before(job, jobs)):
            job = before
        return job

    def _before(self, job: Job, jobs: Iterable[Job]) -> Job | None:
        """Return the first copy of a collection that the copy `job` embeds."""
        if job.kind not in COPIES:
            return None
        below = frozenset[str]().union(*(self._below.get(each, ()) for each in self._targets(job)))
        if not below:  # of thousands of jobs none is compared with each other one
            return None
        for each in jobs:
            if each.kind in COPIES and each.id != job.id and self._targets(each) & below:
                return each
        return None

    def _targets(self, job: Job) -> set[str]:
        """Return the collections that a job writes."""
        only = job.options.target
        found = {each.target for each in self._router.mappings(*job.named)}
        return found if only is None else found & {only}
