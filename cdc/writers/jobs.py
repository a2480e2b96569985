"""The jobs of a stream, in the target's state database."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from pymongo import IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.errors import NoMajority
from cdc.model.any_time import ANY_TIME_AWARE
from cdc.model.job import ENDED, JOBS, Job, JobState, read, redoing_kinds, redoing_options
from cdc.model.state_change import StateWrite
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.connection import connect_target
from cdc.writers.errors import NO_MAJORITY, explained
from cdc.writers.id_search import ids_beginning

log = structlog.get_logger(__name__)

UNREADABLE: Final = (
    "this is no job: it needs a text as _id, a known kind, a table and the date requested_at"
)
_OPEN: Final = [JobState.QUEUED.value, JobState.RUNNING.value]
_NOT_ENDED: Final = [*_OPEN, JobState.PAUSED.value]
_FORGOTTEN: Final = [JobState.DONE.value, JobState.CANCELLED.value]
"""The states of jobs that are removed once they are old; a failed job is kept to be repaired."""

_INDEXES: Final = (
    IndexModel([("stream", 1), ("state", 1), ("requested_at", 1)]),
    IndexModel(
        [
            ("stream", 1),
            ("table", 1),
            ("kind", 1),
            ("state", 1),
            ("options", 1),
            ("requested_at", 1),
        ]
    ),
)
"""The indexes for jobs that wait or failed, and for later jobs that made a failed one good."""

_BULKY: Final = {"progress.cursor": 0, "progress.pending": 0, "progress.findings": 0}
"""Large parts of a job's progress that only the work needs."""

_AT_ONCE: Final = 100
"""The failed jobs that one query is about: a server takes a limited number of stages."""


class Jobs:
    """The jobs of one stream."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], *, state_database: str, stream: str
    ) -> None:
        self._stream = stream
        self._documents = _documents(client[state_database])

    @classmethod
    def of(cls, config: Config, client: MongoClient[dict[str, Any]]) -> Jobs:
        """Return the jobs of a configured stream."""
        return cls(client, state_database=config.target.state_database, stream=config.name)

    def prepare(self) -> None:
        """Create the indexes that keep queries quick, however many jobs there have been."""
        with explained():
            self._documents.with_options(write_concern=PRIMARY).create_indexes([*_INDEXES])

    def forget(self, *, before: datetime) -> int:
        """Remove the jobs that were requested `before` and are done, cancelled or made good.

        A failed one that nobody has made good stays. Returns how many were removed.
        """
        old = {"stream": self._stream, "requested_at": {"$lt": before}}
        with explained():
            mended = [each.id for each in _failed(self._documents, old, made_good=True)]
            gone = 0
            for each in mended:  # before what made them good, or a crash between reports them
                gone += self._documents.delete_one({"_id": each}).deleted_count
            gone += self._documents.delete_many({**old, "state": {"$in": _FORGOTTEN}}).deleted_count
        return gone

    def waiting(self) -> list[Job]:
        """Return the jobs to work on: the one that runs, then those that wait, the oldest first.

        A waiting document that is no job, as somebody may have inserted it, is marked as failed.
        """
        with explained():
            waiting = self._documents.find({"stream": self._stream, "state": {"$in": _OPEN}})
            found = [(each, read(each)) for each in waiting.sort("requested_at", 1)]
            for document, job in found:
                if job is None:
                    self._refuse(document)
        jobs = [job for _, job in found if job]
        return sorted(jobs, key=lambda job: job.state is not JobState.RUNNING)

    def get(self, identity: str) -> Job | None:
        """Return a job; None if there is none with this id."""
        with explained():
            document = self._documents.find_one({"_id": identity, "stream": self._stream})
        return read(document) if document else None

    def beginning(self, text: str) -> list[str]:
        """Return the ids of two jobs at most that begin with a text."""
        return ids_beginning(self._documents, self._stream, text)

    def all(self) -> list[Job]:
        """Return every job, the oldest first."""
        with explained():
            found = self._documents.find({"stream": self._stream}).sort("requested_at", 1)
            return [job for each in found if (job := read(each))]

    def unended(self) -> list[Job]:
        """Return the jobs that have not ended, the oldest first."""
        with explained():
            return _unended(self._documents, {"stream": self._stream})

    def failed(self) -> list[Job]:
        """Return the failed jobs that no later one has made good, the oldest first."""
        with explained():
            return _failed(self._documents, {"stream": self._stream})

    def unsettled(self) -> list[Job]:
        """Return the jobs that somebody may wait for: not ended, or failed as above."""
        with explained():
            return _unsettled(self._documents, {"stream": self._stream})

    def _refuse(self, document: Mapping[str, Any]) -> None:
        change = {"state": JobState.FAILED.value, "error": UNREADABLE}
        self._documents.update_one({"_id": document["_id"]}, {"$set": change})
        log.error("job_unreadable", job=str(document["_id"]), error=UNREADABLE)

    def add(self, job: Job) -> None:
        """Request a job; if that was done before, let it be as it is.

        Raises NoMajority if no majority has it yet: it may be worked on all the same.
        """
        with explained():
            try:
                self._documents.insert_one(job.to_document())
            except DuplicateKeyError:
                if self.get(job.id) is None:
                    raise NoMajority(f"{NO_MAJORITY} the job yet") from None

    def move(self, identity: str, *, before: Several[JobState], after: JobState) -> bool:
        """Move a job that is in one of the states `before`; return whether it was."""
        query = {"_id": identity, "stream": self._stream, "state": {"$in": [*before]}}
        with explained():
            result = self._documents.update_one(query, _moved(after))
        return result.matched_count == 1


def unsettled_jobs(database: Database[dict[str, Any]], streams: Sequence[str]) -> list[Job]:
    """Return `Jobs.unsettled` of several streams; raises the driver's errors.

    It asks two or three times, however many streams there are: once more for each hundred jobs that
    failed.
    """
    return _unsettled(_documents(database), {"stream": {"$in": [*streams]}})


def failed_jobs(config: Config) -> list[Job]:
    """Query `Jobs.failed` of a configured stream, on a connection of its own."""
    with connect_target(config.target) as client:
        return Jobs.of(config, client).failed()


def _documents(database: Database[dict[str, Any]]) -> Collection[dict[str, Any]]:
    return database.get_collection(
        JOBS,
        codec_options=ANY_TIME_AWARE,  # as `Job` has its times
        read_concern=ReadConcern("majority"),
        write_concern=MAJORITY,
    )


def _unsettled(documents: Collection[dict[str, Any]], query: Mapping[str, Any]) -> list[Job]:
    found = [*_unended(documents, query), *_failed(documents, query)]
    return sorted(found, key=lambda job: job.requested_at)


def _unended(documents: Collection[dict[str, Any]], query: Mapping[str, Any]) -> list[Job]:
    return _read(documents, {**query, "state": {"$in": _NOT_ENDED}})


def _failed(
    documents: Collection[dict[str, Any]], query: Mapping[str, Any], *, made_good: bool = False
) -> list[Job]:
    """Return the failed jobs of a query that a later one has `made_good`, or has not."""
    failed = _read(documents, {**query, "state": JobState.FAILED.value})
    mended = _made_good(documents, failed)
    return [each for each in failed if (each.id in mended) is made_good]


def _read(documents: Collection[dict[str, Any]], query: Mapping[str, Any]) -> list[Job]:
    found = documents.find(query, _BULKY).sort("requested_at", 1)
    return [job for each in found if (job := read(each))]


def _made_good(documents: Collection[dict[str, Any]], failed: Sequence[Job]) -> set[str]:
    """Return the ids of those for which a later job wrote the same rows.

    For each it reads a few keys of an index.
    """
    found: set[str] = set()
    for at in range(0, len(failed), _AT_ONCE):
        first, *others = map(_later, failed[at : at + _AT_ONCE])
        unions = [{"$unionWith": {"coll": JOBS, "pipeline": each}} for each in others]
        found |= {each["failed"] for each in documents.aggregate([*first, *unions])}
    return found


def _later(failed: Job) -> list[dict[str, Any]]:
    """Return the stages that find one job that made it good."""
    query = {
        "stream": failed.stream,
        "table": failed.table,
        "kind": {"$in": sorted(redoing_kinds(failed))},
        "state": JobState.DONE.value,
        "options": {"$in": redoing_options(failed)},
        "requested_at": {"$gt": failed.requested_at},
    }
    told = {"_id": 0, "failed": {"$literal": failed.id}}
    return [{"$match": query}, {"$limit": 1}, {"$project": told}]


def _moved(state: JobState) -> dict[str, Any]:
    """Set a state; the end of a job removes its table's key, which a mapping may hide."""
    change: dict[str, Any] = {"$set": {"state": state.value}}
    return {**change, "$unset": {"progress.cursor": ""}} if state in ENDED else change


def queue_write(job: Job) -> StateWrite:
    """Return the write that queues a job with a batch, unless the same job waits for the table.

    The waiting job must not have begun: a job that was paused half way is not the same.
    """
    document = job.to_document()
    wanted = ("stream", "kind", "table", "options", "state", "progress")
    query = {key: document[key] for key in wanted}
    rest = {key: value for key, value in document.items() if key not in query}
    return StateWrite(JOBS, query, {"$setOnInsert": rest}, upsert=True)
