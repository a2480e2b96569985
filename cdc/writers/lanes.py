"""Has a full batch written as a round: parts of it side by side, each in a transaction of its own.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from cdc.errors import CdcError, StaleConnection
from cdc.model.batch import Batch
from cdc.retry import let_go
from cdc.writers.commands import Command
from cdc.writers.commit import BatchCommitter
from cdc.writers.errors import Refused, words
from cdc.writers.indexes import has_unique_index
from cdc.writers.namespaces import Namespaces
from cdc.writers.rounds import BatchSize, Part, is_of_whole_rows, parts_of
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import FAILURES, Send

ROUNDS_AGAIN_AFTER: Final = 20
"""The number of full batches that are no rounds after one that did not land whole."""

CUT_AGAIN_AFTER: Final = 4
"""The number of full batches that are no rounds after one that could not be cut."""

TURN_SECONDS: Final = 0.5
"""The interval at which the stream is kept while its lanes write."""


class PartFailed(CdcError):
    """A part was not written elsewhere; `is_of_id` as `Refused.is_of_id`."""

    is_of_id = False


class RoundFailed(CdcError):
    """A part of a round was not written; others may have been: `commands` are each one's."""

    commands: Sequence[Sequence[Command]] = ()


class Written(NamedTuple):
    """What came of a round's parts: each one's commands, and the errors of those that failed.

    The commands of a part that was written elsewhere are not known here.
    """

    commands: Sequence[Sequence[Command]]
    failed: Sequence[BaseException]


class PartWriters(Protocol):
    """Writes the parts of rounds, one for each lane: threads here, or processes elsewhere."""

    def make(self, session: ClientSession) -> None:
        """Make the lanes in a transaction of `session`; raises what StreamState.make_lanes does."""
        ...

    def are_attended(self) -> bool:
        """Return whether each lane that was made has somebody who writes it."""
        ...

    def write(
        self,
        send: Send,
        parts: Sequence[Part],
        sharding: Sharding,
        *,
        behind: ClientSession,
        meanwhile: Callable[[], None],
    ) -> Written:
        """Write all parts at once, behind all that the session `behind` knows of.

        `meanwhile` is called now and then; what it raises is raised.
        """
        ...

    def forget(self) -> None:
        """Forget lanes that are closed."""
        ...

    def close(self) -> None:
        """End what writes."""
        ...


class Lanes:
    """Decides which batches of one stream are rounds; only its writer's thread calls it."""

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        namespaces: Namespaces,
        committer: BatchCommitter,
        writers: PartWriters,
        *,
        count: int,
        size: BatchSize,
    ) -> None:
        """Cut into `count` parts at most; `size` is that of one writer's batch."""
        self._client = client
        self._namespaces = namespaces
        self._committer = committer
        self._writers = writers
        self._count = count
        self._size = size
        self._left_out = 0
        self._unique: dict[str, bool] = {}

    def close(self) -> None:
        """End what writes."""
        self._writers.close()

    def forget(self) -> None:
        """Forget lanes that are closed, and which collections have unique indexes."""
        self._writers.forget()
        self._unique = {}

    def parts(self, batch: Batch) -> list[Part] | None:
        """Return the parts of a batch that is to be a round; None if it is none."""
        if not batch.is_filled or self._committer.concerns_embeds(batch):
            return None
        if self._left_out:
            self._left_out -= 1
            return None
        found = parts_of(batch, lanes=self._count, size=self._size, is_whole=self._has_unique_index)
        if found is None and is_of_whole_rows(batch):
            self._left_out = CUT_AGAIN_AFTER
        return found

    def _has_unique_index(self, collection: str) -> bool:
        if (known := self._unique.get(collection)) is not None:
            return known
        found = has_unique_index(self._client, self._namespaces, collection)
        return self._unique.setdefault(collection, found)

    def make(self, session: ClientSession) -> None:
        """Make the lanes in a transaction of `session`; raises what StreamState.make_lanes does."""
        self._writers.make(session)

    def are_attended(self) -> bool:
        """Return whether each lane that was made has somebody who writes it."""
        return self._writers.are_attended()

    def write(
        self,
        send: Send,
        parts: Sequence[Part],
        sharding: Sharding,
        *,
        behind: ClientSession,
        meanwhile: Callable[[], None],
    ) -> Sequence[Sequence[Command]]:
        """Write all parts at once, and return each one's commands; see `PartWriters.write`.

        Raises RoundFailed unless all have landed; StaleConnection.
        """
        written = self._writers.write(send, parts, sharding, behind=behind, meanwhile=meanwhile)
        if written.failed:
            raise self._failure(written)
        return written.commands

    def _failure(self, written: Written) -> BaseException:
        """Return what to raise for parts that failed."""
        for each in written.failed:
            if isinstance(each, StaleConnection):
                return each
            if not isinstance(each, (PyMongoError, CdcError, *FAILURES)):
                return each
        if not all(
            isinstance(each, Refused | PartFailed) and each.is_of_id for each in written.failed
        ):
            self._left_out = ROUNDS_AGAIN_AFTER  # else the next ones replace documents
        failure = RoundFailed(words(written.failed[0]))
        failure.commands = written.commands
        for each in written.failed:
            let_go(each)
        return failure
