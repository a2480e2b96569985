"""Reads what a state database says of all its streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from cdc.config import TargetConfig
from cdc.model.checkpoint import STREAMS
from cdc.model.dead_letter import DEAD_LETTERS, LetterState
from cdc.model.job import JobState
from cdc.writers.connection import asking_target
from cdc.writers.embedding.debts import DEBTS
from cdc.writers.errors import explained
from cdc.writers.jobs import unsettled_jobs

Document = Mapping[str, Any]

_WITH_CLOCK: Final[list[dict[str, Any]]] = [
    {"$set": {"now": "$$NOW"}},
    {"$unset": ["mappings", "covered", "left"]},
    {"$sort": {"_id": 1}},
]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One stream: its state document, with the target's clock as `now`, and counts.

    `jobs` counts those that have not ended, or failed and were not made good, by state; `letters`
    the open dead letters, `debts` what embeds owe.
    """

    state: Document
    jobs: Mapping[JobState, int]
    letters: int
    debts: int


def streams_in(target: TargetConfig) -> list[StreamRecord]:
    """Return every stream of a target's state database, by name; raises Retryable or Unfit."""
    with asking_target(target) as client, explained():
        return streams_of(client[target.state_database])


def streams_of(database: Database[dict[str, Any]]) -> list[StreamRecord]:
    """Return every stream of a state database, by name; raises the driver's errors."""
    majority = database.with_options(read_concern=ReadConcern("majority"))
    states = {each["_id"]: each for each in majority[STREAMS].aggregate(_WITH_CLOCK)}
    named = {"stream": {"$in": [*states]}}
    letters = _counts(majority[DEAD_LETTERS], {**named, "state": LetterState.OPEN.value}, "$stream")
    debts = _counts(majority[DEBTS], {}, "$_id.stream")
    jobs = Counter((each.stream, each.state) for each in unsettled_jobs(database, [*states]))
    return [
        StreamRecord(
            state,
            {each: jobs[name, each] for each in JobState if jobs[name, each]},
            letters[name],
            debts[name],
        )
        for name, state in states.items()
    ]


def _counts(documents: Collection[dict[str, Any]], query: Document, stream: str) -> Counter[str]:
    """Count documents by their stream."""
    found = documents.aggregate(
        [{"$match": query}, {"$group": {"_id": stream, "count": {"$sum": 1}}}]
    )
    return Counter({each["_id"]: each["count"] for each in found})
