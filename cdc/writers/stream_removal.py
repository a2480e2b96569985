"""Removes a stream from a state database: all that is kept for it, and its documents if asked.

First it is forgotten which tables were copied, so that a daemon that starts all the same copies
them. Then goes what belongs to it, its state document last: a removal that was interrupted is asked
for again, and goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pymongo import MongoClient

from cdc.config import Config
from cdc.errors import LeaseHeld, UsageError
from cdc.model import lease
from cdc.model.claim import Claim
from cdc.model.dead_letter import DEAD_LETTERS
from cdc.model.job import JOBS
from cdc.writers.claims import Claims
from cdc.writers.connection import connect_target
from cdc.writers.embedding.debts import DEBTS
from cdc.writers.errors import explained
from cdc.writers.namespaces import hidden_beginning
from cdc.writers.stream_state import MAJORITY, STREAMS, StreamState

HELD_SECONDS: Final = 60.0
"""How long no daemon takes the stream over while it is removed."""

STOP_FIRST: Final = "stop it first: a stream that runs is not removed"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a state database holds of a stream; `copies` are its tables and their collections."""

    stream: str
    has_state: bool
    copies: tuple[str, ...]
    jobs: int
    dead_letters: int
    debts: int
    hidden: tuple[str, ...]
    claims: tuple[Claim, ...]

    def is_hidden(self, claim: Claim) -> bool:
        """Return whether a claim is on a hidden collection: it goes in any case."""
        return claim.collection.partition(".")[2].startswith(hidden_beginning(self.stream))

    @property
    def is_nothing(self) -> bool:
        """Whether there is no trace of such a stream."""
        kept = (self.has_state, self.jobs, self.dead_letters, self.debts, self.hidden, self.claims)
        return not any(kept)


class StreamRemoval:
    """Removes one stream."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], *, state_database: str, stream: str
    ) -> None:
        self._client = client
        self._database = client.get_database(state_database, write_concern=MAJORITY)
        self._claims = Claims(client, state_database=state_database)
        self._state = StreamState(self._database, stream, ttl_seconds=HELD_SECONDS)
        self._stream = stream
        self._of_it: dict[str, dict[str, Any]] = {
            JOBS: {"stream": stream},
            DEAD_LETTERS: {"stream": stream},
            DEBTS: {"_id.stream": stream},
        }

    def belongings(self) -> Belongings:
        """Return what there is; raises LeaseHeld if a daemon is active, UsageError for nothing."""
        with explained():
            state = self._state.read_with_clock()
            if (active := lease.holder(state or {})) is not None:
                raise LeaseHeld(
                    f"the daemon of {self._stream} is active: {active}", remedy=STOP_FIRST
                )
            counts = {
                name: self._database[name].count_documents(query)
                for name, query in self._of_it.items()
            }
            found = Belongings(
                stream=self._stream,
                has_state=state is not None,
                copies=tuple(sorted((state or {}).get("covered", ()))),
                jobs=counts[JOBS],
                dead_letters=counts[DEAD_LETTERS],
                debts=counts[DEBTS],
                hidden=tuple(self._hidden()),
                claims=tuple(each for each in self._claims.all() if each.stream == self._stream),
            )
            if found.is_nothing:
                raise self._unknown()
        return found

    def remove(self, found: Belongings, *, documents: bool) -> None:
        """Remove all of it, the `documents` of its claims too if asked.

        Raises LeaseHeld if a daemon is active, or becomes so meanwhile.
        """
        with explained(), self._client.start_session() as session:
            try:
                taken = self._state.take_over(session)
            except LeaseHeld as error:
                error.remedy = STOP_FIRST
                raise
            if taken is not None:
                self._require_ours(ours=self._state.uncover())
            for each in found.claims:
                if documents and not found.is_hidden(each):
                    self._remove_documents(each)
            for name in self._hidden():
                self._database.drop_collection(name)
            for name, query in self._of_it.items():
                self._database[name].delete_many(query)
            for each in found.claims:
                self._claims.give_up(each.collection, self._stream)
            if taken is not None:
                self._require_ours(ours=self._state.delete())

    def _require_ours(self, *, ours: bool) -> None:
        if not ours:
            raise LeaseHeld(f"a daemon of {self._stream} has started meanwhile", remedy=STOP_FIRST)

    def _hidden(self) -> list[str]:
        names = self._database.list_collection_names()
        return sorted(each for each in names if each.startswith(hidden_beginning(self._stream)))

    def _remove_documents(self, claim: Claim) -> None:
        """Remove the documents that are the stream's alone; a whole collection with its indexes."""
        database, _, name = claim.collection.partition(".")
        collection = self._client[database].get_collection(name, write_concern=MAJORITY)
        if claim.ids:
            collection.delete_many({f"_id.{field}": each for field, each in claim.ids.items()})
        else:
            collection.drop()

    def _unknown(self) -> UsageError:
        known = sorted(str(each["_id"]) for each in self._database[STREAMS].find({}, {"_id": 1}))
        return UsageError(
            f"the state database {self._database.name} knows no stream {self._stream}",
            remedy=f"name one that it knows: {', '.join(known)}" if known else "it knows none",
        )


@contextmanager
def removal(config: Config, stream: str) -> Iterator[StreamRemoval]:
    """Yield the removal of a stream from the state database of a configured one."""
    with connect_target(config.target) as client:
        yield StreamRemoval(client, state_database=config.target.state_database, stream=stream)
