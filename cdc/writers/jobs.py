"""The jobs of a stream, in the target's state database."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping
from typing import Any, Final

import structlog
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.jobs import ENDED, JOBS, Job, JobState, read, unsettled
from cdc.state_writes import StateWrite
from cdc.writers import target
from cdc.writers.answers import explained
from cdc.writers.batch import ANY_TIME
from cdc.writers.state import MAJORITY

log = structlog.get_logger(__name__)

UNREADABLE: Final = (
    "this is no job: it needs a text as _id, a known kind, a table and the date requested_at"
)
_OPEN: Final = [JobState.QUEUED.value, JobState.RUNNING.value]


class Jobs:
    """The jobs of one stream."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], *, state_database: str, stream: str
    ) -> None:
        self._stream = stream
        self._documents = client[state_database].get_collection(
            JOBS,
            codec_options=ANY_TIME.with_options(tz_aware=True),  # as `Job` has its times
            read_concern=ReadConcern("majority"),
            write_concern=MAJORITY,
        )

    def next(self) -> Job | None:
        """Return the job to work on: the one that runs, or the oldest that waits.

        What waits and is no job, as somebody may have inserted it, is marked as failed.
        """
        with explained():
            waiting = self._documents.find({"stream": self._stream, "state": {"$in": _OPEN}})
            found = [(each, read(each)) for each in waiting.sort("requested_at", 1)]
            for document, job in found:
                if job is None:
                    self._refuse(document)
        jobs = [job for _, job in found if job]
        jobs.sort(key=lambda job: job.state is not JobState.RUNNING)
        return jobs[0] if jobs else None

    def get(self, identity: str) -> Job | None:
        """Return a job, or None where there is none of this id."""
        with explained():
            document = self._documents.find_one({"_id": identity, "stream": self._stream})
        return read(document) if document else None

    def all(self) -> list[Job]:
        """Return every job, the oldest first."""
        with explained():
            found = self._documents.find({"stream": self._stream}).sort("requested_at", 1)
            return [job for each in found if (job := read(each))]

    def failed(self) -> list[Job]:
        """Return those that failed and that no later one has made good, the oldest first.

        They come without their progress, of which there may be much.
        """
        ended = {"$in": [JobState.FAILED.value, JobState.DONE.value]}
        with explained():
            found = self._documents.find({"stream": self._stream, "state": ended}, {"progress": 0})
            jobs = [job for each in found.sort("requested_at", 1) if (job := read(each))]
        return unsettled(jobs)

    def _refuse(self, document: Mapping[str, Any]) -> None:
        change = {"state": JobState.FAILED.value, "error": UNREADABLE}
        self._documents.update_one({"_id": document["_id"]}, {"$set": change})
        log.error("job_unreadable", job=str(document["_id"]), error=UNREADABLE)

    def add(self, job: Job) -> None:
        """Ask for a job."""
        with explained():
            self._documents.insert_one(job.to_document())

    def move(self, identity: str, *, before: Several[JobState], after: JobState) -> bool:
        """Move a job that is in one of the states `before`; tell whether it was."""
        query = {"_id": identity, "stream": self._stream, "state": {"$in": [*before]}}
        with explained():
            result = self._documents.update_one(query, _moved(after))
        return result.matched_count == 1


def failed_jobs(config: Config) -> list[Job]:
    """Ask the target of a configured stream for `Jobs.failed`, on a connection of its own."""
    with target.connect(config.target) as client:
        jobs = Jobs(client, state_database=config.target.state_database, stream=config.name)
        return jobs.failed()


def _moved(state: JobState) -> dict[str, Any]:
    """Set a state; who has ended leaves no key of its table, which a mapping may hide, behind."""
    change: dict[str, Any] = {"$set": {"state": state.value}}
    return {**change, "$unset": {"progress.cursor": ""}} if state in ENDED else change


def requested(job: Job) -> StateWrite:
    """Ask for a job together with a batch; a table that waits for the same is not asked twice."""
    document = job.to_document()
    query = {key: document[key] for key in ("stream", "kind", "table", "options", "state")}
    rest = {key: value for key, value in document.items() if key not in query}
    return StateWrite(JOBS, query, {"$setOnInsert": rest}, upsert=True)
