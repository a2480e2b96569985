"""Removes a stream from a state database: all that is kept for it, and its documents if asked.

First it is taken over, and it is forgotten which tables were copied, so that a daemon that starts
all the same copies them. Then goes what belongs to it, its state document last: a removal that was
interrupted is asked for again, and goes on with what is left. Why that is sound at each step stands
in docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from cdc.config import Config
from cdc.errors import LeaseHeld, UsageError
from cdc.model import lease
from cdc.model.checkpoint import STREAMS
from cdc.model.claim import Claim
from cdc.model.dead_letter import DEAD_LETTERS
from cdc.model.first_copy import HeldCopy
from cdc.model.job import JOBS
from cdc.writers.claims import Claims
from cdc.writers.collection_clear import PIECE
from cdc.writers.concerns import MAJORITY
from cdc.writers.connection import asking_target
from cdc.writers.documents import BY_BYTES, RAW
from cdc.writers.embedding.debts import DEBTS
from cdc.writers.errors import explained
from cdc.writers.fence import Fence
from cdc.writers.lane_documents import LANES
from cdc.writers.namespaces import hidden_beginning
from cdc.writers.ranges import Ranges
from cdc.writers.stream_state import StreamState

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
        self,
        client: MongoClient[dict[str, Any]],
        *,
        state_database: str,
        stream: str,
        transactional: bool = True,
    ) -> None:
        """Know the target: a standalone server is not `transactional`."""
        self._client = client
        self._transactional = transactional
        self._database = client.get_database(state_database, write_concern=MAJORITY)
        self._ranges = Ranges(client, state_database=state_database, stream=stream)
        self._claims = Claims(client, state_database=state_database)
        self._state = StreamState(self._database, stream, ttl_seconds=HELD_SECONDS)
        self._stream = stream
        self._of_it: dict[str, dict[str, Any]] = {
            JOBS: {"stream": stream},
            DEAD_LETTERS: {"stream": stream},
            DEBTS: {"_id.stream": stream},
            LANES: {"stream": stream},
        }

    def belongings(self) -> Belongings:
        """Return what there is; raises LeaseHeld if a daemon is active, UsageError for nothing."""
        with explained():
            state = self._state.read_with_clock()
            held = HeldCopy.of(state or {})
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
                copies=(*sorted((state or {}).get("covered", ())), *(held.covered if held else ())),
                jobs=counts[JOBS],
                dead_letters=counts[DEAD_LETTERS],
                debts=counts[DEBTS],
                hidden=tuple(self._hidden()),
                claims=self._own_claims(),
            )
            if found.is_nothing:
                raise self._unknown()
        return found

    def remove(self, found: Belongings, *, documents: bool) -> None:
        """Remove all of it, the `documents` of its claims too if asked.

        Raises LeaseHeld if a daemon is active, or becomes so meanwhile.
        """
        try:
            with explained(), self._client.start_session() as session:
                self._remove(found, self._fence(session), documents=documents)
        except LeaseHeld as error:
            error.remedy = STOP_FIRST
            raise

    def _fence(self, session: ClientSession) -> Fence:
        taken = self._state.take_over(session)
        return Fence(
            self._state if taken is not None else None, session if self._transactional else None
        )

    def _remove(self, found: Belongings, fence: Fence, *, documents: bool) -> None:
        fence.write(self._state.uncover)
        self._ranges.remove()  # no worker of a held stream writes anything from then on
        fence.renew()
        ours = self._own_claims()
        if documents:
            for each in ours:
                if each in found.claims and not found.is_hidden(each):  # no more than was told
                    self._remove_documents(each, fence)
        for name in self._hidden():
            fence.renew()
            self._database.drop_collection(name)
        for name, query in self._of_it.items():
            _remove_found(self._database[name], query, fence)
        for each in ours:
            fence.write(partial(self._claims.give_up, each.collection, self._stream))
        fence.write(self._state.delete)

    def _hidden(self) -> list[str]:
        names = self._database.list_collection_names()
        return sorted(each for each in names if each.startswith(hidden_beginning(self._stream)))

    def _own_claims(self) -> tuple[Claim, ...]:
        return tuple(each for each in self._claims.all() if each.stream == self._stream)

    def _remove_documents(self, claim: Claim, fence: Fence) -> None:
        """Remove the documents that are the stream's alone; a whole collection with its indexes."""
        database, _, name = claim.collection.partition(".")
        collection = self._client[database].get_collection(name, write_concern=MAJORITY)
        if claim.ids:
            own = {f"_id.{field}": each for field, each in claim.ids.items()}
            _remove_found(collection, own, fence)
        else:
            fence.renew()
            collection.drop()

    def _unknown(self) -> UsageError:
        known = sorted(str(each["_id"]) for each in self._database[STREAMS].find({}, {"_id": 1}))
        return UsageError(
            f"the state database {self._database.name} knows no stream {self._stream}",
            remedy=f"name one that it knows: {', '.join(known)}" if known else "it knows none",
        )


def _remove_found(
    collection: Collection[dict[str, Any]], query: dict[str, Any], fence: Fence
) -> None:
    """Delete what a query finds, in pieces."""
    known: Collection[Any] = collection.with_options(codec_options=RAW)

    def remove(ids: list[Any], session: ClientSession | None) -> None:
        piece = {**query, "_id": {"$in": ids}}
        known.delete_many(piece, session=session, collation=BY_BYTES)

    while ids := [each["_id"] for each in known.find(query, {"_id": 1}, limit=PIECE)]:
        fence.write(partial(remove, ids))


@contextmanager
def removal(config: Config, stream: str) -> Iterator[StreamRemoval]:
    """Yield the removal of a stream from the state database of a configured one."""
    with asking_target(config.target) as client:
        yield StreamRemoval(
            client,
            state_database=config.target.state_database,
            stream=stream,
            transactional=config.apply.mode == "exactly_once",
        )
