"""The tails and ranges of held streams, in the state database's collection `ranges`.

A tail: `_id`, stream, table, order, after, cuts, total, state; see `cdc.model.first_copy.Tail`. A
range has the fields of a stream's state (see `cdc.writers.stream_state`: its position is what its
next read must hold), and stream, table, order, after, last, rows, seconds, state, error; see
`KeyRange`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from pymongo import MongoClient
from pymongo.errors import WTimeoutError
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.errors import UsageError
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.first_copy import AHEAD, COPYING, RANGES, HeldCopy, Key, KeyRange, RangeState, Tail
from cdc.model.lease import LeaseWatch
from cdc.model.position import Position, from_document, joined, to_document
from cdc.model.state_change import StateWrite
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.errors import explained
from cdc.writers.takeover import end_sessions
from cdc.writers.transaction import committed

Document = dict[str, Any]

_BY_ID: Final = [("_id", 1)]
"""The index to scan by: what changes its state moves within the other one, and a scan misses it."""
_OPEN: Final = RangeState.OPEN.value
_IS_RANGE: Final[Document] = {"is_tail": {"$exists": False}}
_GROUPED: Final[list[Document]] = [
    {"$match": _IS_RANGE},
    {
        "$group": {
            "_id": {
                "table": "$table",
                "state": "$state",
                "host": "$owner.host",
                "pid": "$owner.pid",
            },
            "rows": {"$sum": "$rows"},
            "seconds": {"$sum": "$seconds"},
            "count": {"$sum": 1},
            "is_held": {"$max": {"$gt": ["$lease_until", "$$NOW"]}},
        }
    },
]


class Cut(NamedTuple):
    """What is cut off a tail: the rows up to `last`, in the order of a key.

    None if there is no row. `is_end`: nothing is left then. `total` is about how many rows the
    table has.
    """

    order: str
    last: Key | None
    is_end: bool
    total: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How far one worker, or one table, has come: rows, and seconds of a worker's work."""

    rows: int = 0
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> int:
        """The pace of one worker, or of the workers of one table, each for itself."""
        return round(self.rows / self.seconds) if self.seconds else 0

    def plus(self, rows: int, seconds: float) -> Self:
        """Return the sum."""
        return type(self)(self.rows + rows, self.seconds + seconds)


class Failed(NamedTuple):
    """A range, or a tail, that failed: its table, the error, and whether that ends the stream."""

    table: str
    error: str
    halts: bool


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far a held stream's copy has come.

    `tables` are those that are whole, `lost` those whose tail or ranges somebody has removed;
    `by_table` counts rows, `by_worker` those of each worker that holds a range now. `totals` are
    the source's estimates.
    """

    tables: frozenset[str]
    lost: frozenset[str]
    by_table: Mapping[str, Copied]
    by_worker: Mapping[str, Copied]
    totals: Mapping[str, int]
    failed: tuple[Failed, ...]

    @property
    def is_done(self) -> bool:
        """Whether all is copied."""
        return len(self.tables) == len(self.by_table)

    @property
    def rows(self) -> int:
        """The rows that were copied."""
        return sum(each.rows for each in self.by_table.values())


def tails(stream: str, held: HeldCopy) -> list[StateWrite]:
    """Return the writes that make the tails of a new held stream."""
    return [
        StateWrite(
            RANGES,
            {"_id": _tail_id(held, each)},
            {
                "$setOnInsert": {
                    "stream": stream,
                    "table": each,
                    "order": None,
                    "after": None,
                    "cuts": 0,
                    "total": 0,
                    "state": _OPEN,
                    "is_tail": True,
                }
            },
            upsert=True,
        )
        for each in held.tables
    ]


def begun(stream: str, held: HeldCopy, seen: Iterable[Position]) -> StateWrite:
    """Return the write with which a stream is held no longer; its position comes with it.

    `seen` is what the copy saw.
    """
    change = {
        "$unset": {COPYING: ""},
        "$set": {AHEAD: [to_document(each) for each in seen]},
        "$addToSet": {"covered": {"$each": held.covered}},
        "$pull": {"left": {"$in": held.covered}},
    }
    return StateWrite(STREAMS, {"_id": stream}, change)


def set_aside(stream: str, held: HeldCopy, table: str) -> StateWrite:
    """Return the write with which a table is none of the held ones: the stream will copy it."""
    change = {"$pull": {f"{COPYING}.copies": {"table": table}}}
    return StateWrite(STREAMS, {"_id": stream, f"{COPYING}.id": held.id}, change)


def progress(copied: KeyRange, *, is_last: bool) -> StateWrite:
    """Return the write that saves how far a range has come; `is_last`: it is done."""
    change = {
        "after": None if is_last else copied.after and list(copied.after),  # kept while needed
        "rows": copied.rows,
        "seconds": copied.seconds,
        "state": (RangeState.DONE if is_last else RangeState.OPEN).value,
    }
    return StateWrite(RANGES, {"_id": copied.id}, {"$set": change})


def failure(range_: KeyRange, error: str, *, halts: bool) -> StateWrite:
    """Return the write that marks a range as failed; `halts`: that is to end the stream."""
    change = {"state": RangeState.FAILED.value, "error": error, "halts": halts}
    return StateWrite(RANGES, {"_id": range_.id}, {"$set": change})


def require_begun(state: Mapping[str, Any] | None) -> None:
    """Raise UsageError for a stream that is held: only its copies may move it."""
    if state is not None and is_held(state):
        name = state["_id"]
        raise UsageError(
            not_begun(name),
            remedy="have that done: cdc run; cdc status tells how far it is;"
            f" or begin anew: cdc stream remove {name} --documents",
        )


def is_held(state: Mapping[str, Any]) -> bool:
    """Return whether a stream's tables are copied before it begins."""
    return HeldCopy.of(state) is not None


def not_begun(stream: str) -> str:
    """Return what is told of a stream that is held."""
    return f"the stream {stream} has not begun: its tables are being copied"


class Ranges:
    """The tails and ranges of one stream."""

    def __init__(self, client: MongoClient[Document], *, state_database: str, stream: str) -> None:
        self._client = client
        self._stream = stream
        database = client[state_database]
        self._documents = database.get_collection(
            RANGES, read_concern=ReadConcern("majority"), write_concern=MAJORITY
        )
        self._streams = database.get_collection(STREAMS, read_concern=ReadConcern("majority"))
        self._of_it = {"stream": stream}
        self.watch: Final = LeaseWatch()
        """Judges the leases of other workers; who takes a range over must judge alike."""

    @classmethod
    def of(cls, config: Config, client: MongoClient[Document]) -> Ranges:
        """Return those of a configured stream."""
        return cls(client, state_database=config.target.state_database, stream=config.name)

    def prepare(self) -> None:
        """Create the index; a transaction cannot create a collection everywhere."""
        with explained():
            documents = self._documents.with_options(write_concern=PRIMARY)
            documents.create_index([("stream", 1), ("state", 1)])

    def stream_state(self) -> Document | None:
        """Return the stream's state document; None if there is none."""
        with explained():
            return self._streams.find_one({"_id": self._stream})

    def free(self) -> list[KeyRange]:
        """Return the open ranges that no living worker holds."""
        open_ranges = {**self._of_it, **_IS_RANGE, "state": _OPEN}
        with explained():
            found = self._documents.aggregate([{"$match": open_ranges}, {"$set": {"now": "$$NOW"}}])
            return [
                KeyRange.from_document(each) for each in found if self.watch.holder(each) is None
            ]

    def open_range(self, identity: str) -> KeyRange | None:
        """Return a range as a majority has it; None if it is no longer open."""
        with explained():
            found = self._documents.find_one({"_id": identity, "state": _OPEN})
        return None if found is None else KeyRange.from_document(found)

    def tails(self) -> list[Tail]:
        """Return the tails that are open, in no order: several workers need not meet at one."""
        with explained():
            found = [*self._documents.find({**self._of_it, "state": _OPEN, "is_tail": True})]
        random.shuffle(found)
        return [*map(Tail.from_document, found)]

    def cut(self, tail: Tail, held: HeldCopy, cut: Cut) -> bool:
        """Cut a range off a tail; return False if another worker was faster."""
        is_some = cut.last is not None
        moved = {
            "order": cut.order,
            "after": cut.last and list(cut.last),
            "cuts": tail.cuts + is_some,
            "total": cut.total,
            "state": (RangeState.DONE if cut.is_end else RangeState.OPEN).value,
        }
        as_seen = _as_seen(tail, held)
        with explained(), self._client.start_session() as session, committed(session):
            found = self._documents.update_one(as_seen, {"$set": moved}, session=session)
            if found.matched_count and is_some:
                self._documents.insert_one(self._range(tail, held, cut), session=session)
        return found.matched_count == 1

    def fail(self, tail: Tail, held: HeldCopy, error: str) -> bool:
        """Mark a tail as failed; return False if another worker has cut there meanwhile."""
        change = {"state": RangeState.FAILED.value, "error": error, "halts": False}
        with explained():
            found = self._documents.update_one(_as_seen(tail, held), {"$set": change})
        return found.matched_count == 1

    def _range(self, tail: Tail, held: HeldCopy, cut: Cut) -> Document:
        return {
            "_id": f"{_tail_id(held, tail.table)}/{tail.cuts}",
            "stream": self._stream,
            "table": tail.table,
            "order": cut.order,
            "after": tail.after and list(tail.after),
            "last": cut.last and list(cut.last),
            "rows": 0,
            "seconds": 0.0,
            "state": _OPEN,
            "error": None,
            "sequence": 0,
            "epoch": 0,
            "owner": None,
            "lease_until": None,
            **Checkpoint(held.seen).to_document(),
            "created_at": datetime.now(UTC),
        }

    def reopen_failed(self) -> None:
        """Open what has failed again, ranges and tails: what was wrong may have been mended."""
        failed = {**self._of_it, "state": RangeState.FAILED.value}
        with explained(), self._until_none(failed):
            self._documents.update_many(failed, {"$set": {"state": _OPEN, "error": None}})

    def remove(self, *, but: Iterable[str] = ()) -> None:
        """Remove the tails and ranges of all tables `but` some: no worker writes theirs any more.

        Tails first: whatever was cut before is seen then. A worker's transaction is ended, not
        waited for.
        """
        gone = {**self._of_it, "table": {"$nin": [*but]}}
        tails = {**gone, "is_tail": True}
        with explained():
            with self._until_none(tails):
                self._documents.delete_many(tails, hint=_BY_ID)
            sessions = [
                each["owner"]["session"]
                for each in self._documents.find(
                    {**gone, "owner.session": {"$exists": True}}, hint=_BY_ID
                )
            ]
            end_sessions(self._client, sessions)
            with self._until_none(gone):
                self._documents.delete_many(gone, hint=_BY_ID)

    @contextmanager
    def _until_none(self, query: Document) -> Iterator[None]:
        """Make a write after which the query finds nothing; if its wait ran out, a majority tells.

        Raises WTimeoutError if that finds something.
        """
        try:
            yield
        except WTimeoutError:
            if self._documents.find_one(query) is not None:
                raise

    def seen(self) -> tuple[Position, ...]:
        """Return what the reads of all ranges held."""
        with explained():
            found = self._documents.distinct("position", {**self._of_it, **_IS_RANGE})
        return joined(map(from_document, found))

    def progress(self, held: HeldCopy) -> CopyProgress:
        """Return how far the copy has come, as a majority has it."""
        of_copy = {**self._of_it, "_id": {"$gte": f"{held.id} ", "$lt": f"{held.id}!"}}
        with explained():
            tails = [*self._documents.find({**of_copy, "is_tail": True}, hint=_BY_ID)]
            found = self._documents.find({**of_copy, "state": RangeState.FAILED.value})
            failed = tuple(Failed(each["table"], each["error"], each["halts"]) for each in found)
            pipeline = [{"$match": of_copy}, *_GROUPED]
            grouped = [*self._documents.aggregate(pipeline, hint={"_id": 1})]
        done, there = Counter[str](), Counter[str]()
        by_table = dict.fromkeys(held.tables, Copied())
        by_worker: dict[str, Copied] = {}
        working: set[str] = set()
        for each in grouped:
            of, rows, seconds = each["_id"], int(each["rows"]), float(each["seconds"])
            if of["table"] not in by_table:
                continue  # it was set aside
            there[of["table"]] += each["count"]
            done[of["table"]] += each["count"] if of["state"] == RangeState.DONE.value else 0
            by_table[of["table"]] = by_table[of["table"]].plus(rows, seconds)
            if rows and of.get("pid"):
                worker = f"process {of['pid']} on {of['host']}"
                by_worker[worker] = by_worker.get(worker, Copied()).plus(rows, seconds)
                working |= {worker} if each["is_held"] else set()
        whole = {
            each["table"]
            for each in tails
            if each["state"] == RangeState.DONE.value and done[each["table"]] == each["cuts"]
        }
        kept = {each["table"] for each in tails if there[each["table"]] >= each["cuts"]}
        return CopyProgress(
            tables=frozenset(whole & {*held.tables}),
            lost=frozenset({*held.tables} - kept),
            by_table=by_table,
            by_worker={name: by_worker[name] for name in by_worker if name in working},
            totals={each["table"]: int(each["total"]) for each in tails},
            failed=failed,
        )


def _as_seen(tail: Tail, held: HeldCopy) -> Document:
    """Return what a tail matches that nobody has changed since it was read."""
    return {"_id": _tail_id(held, tail.table), "cuts": tail.cuts, "state": _OPEN}


def _tail_id(held: HeldCopy, table: str) -> str:
    """Return a tail's id: that of a copy holds no space, a table's name may."""
    return f"{held.id} {table}"
