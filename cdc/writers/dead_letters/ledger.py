"""The open letters of the writer's stream, and a batch's changes to them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import bson
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from cdc.errors import TooManyDeadLetters
from cdc.model.any_time import ANY_TIME_AWARE
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.dead_letter import DEAD_LETTERS, Failure, LetterState, Origin
from cdc.model.document_id import comparable
from cdc.model.operation import Operation
from cdc.model.state_change import StateWrite
from cdc.model.table_name import full_name, split_name
from cdc.model.transaction import ANY_TABLE
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.dead_letters.store import (
    EMBED,
    Letter,
    letter_id_of,
    opened,
    resolved,
    value_letter_id,
)
from cdc.writers.embedding.terms import LeftOut, Place
from cdc.writers.stream_state import Document

Open = Mapping[str, Mapping[object, str]]
"""The ids of open letters by collection and comparable key."""

Decided = Mapping[str, Sequence[Set[object]]]
"""Comparable keys by collection."""

_INDEX: Final = [("stream", 1), ("state", 1), ("first_at", 1)]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most letters that may open within a time and stay so; beyond that the daemon stops."""

    most: int = 100
    window_seconds: float = 3600.0


DEFAULT_LIMITS: Final = Limits()


class LetterChanges(NamedTuple):
    """A batch's changes to letters, once it has landed."""

    opened: Sequence[Letter] = ()
    resolved: Sequence[str] = ()
    writes: Sequence[StateWrite] = ()


NOTHING: Final = LetterChanges()


class Missing(NamedTuple):
    """An embedded value that a transaction leaves out, and the table of its document's row."""

    value: LeftOut
    table: str


class OpenLetters:
    """The main thread's view of the letters; other threads query the collection."""

    def __init__(self, database: Database[Document], stream: str, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._documents = database.get_collection(
            DEAD_LETTERS,
            codec_options=ANY_TIME_AWARE,
            read_concern=ReadConcern("majority"),
            write_concern=MAJORITY,
        )
        self._open: dict[str, dict[object, str]] = {}
        self._keyless: set[str] = set()
        self._values: dict[Place, set[str]] = {}

    @property
    def count(self) -> int:
        """The number of open letters, as far as this process knows."""
        rows = len(self._keyless) + sum(len(each) for each in self._open.values())
        return rows + sum(len(each) for each in self._values.values())

    def prepare(self) -> None:
        """Create the indexes for open letters, and load them."""
        self._documents.with_options(write_concern=PRIMARY).create_index(_INDEX)
        self.load()

    def load(self) -> None:
        """Load the open letters: somebody may have discarded some."""
        found = self._documents.find(
            {"stream": self._stream, "state": LetterState.OPEN.value},
            {"collection": 1, "key": 1, "path": 1},
        )
        self._open, self._keyless, self._values = {}, set(), {}
        for each in found:
            path = each.get("path") or ""
            self._remember(str(each["_id"]), each["collection"], key_of(each), path)

    def _remember(self, identity: str, collection: str, key: bytes, path: str) -> None:
        if key and path:
            self._values.setdefault((collection, comparable(key)), set()).add(identity)
        elif key:
            self._open.setdefault(collection, {})[comparable(key)] = identity
        else:
            self._keyless.add(identity)

    def changes(self, batch: Batch) -> LetterChanges:
        """Return the batch's changes to letters; raises TooManyDeadLetters if it opens too many.

        The last change of each document counts: one that failed and was written later in the batch
        has no letter.
        """
        if not self.count and not any(True for _ in batch.failures()):
            return NOTHING
        letters, done = outcomes(self._stream, batch, self._open)
        new = [each for each in letters if not self._is_open(each)]
        if new:
            self._require_few(new)
        if batch.clears:
            again = {each.id for each in letters}
            done += [each for each in self._cleared(batch) if each not in {*again, *done}]
        writes = [opened(self._stream, each) for each in letters]
        return LetterChanges(letters, done, (*writes, *map(resolved, done)))

    def value_changes(
        self, missing: Sequence[Missing], decided: Decided, batch: Batch
    ) -> LetterChanges:
        """Return the changes to letters on values, after a batch that leaves out some.

        `decided` are the documents, by collection, that have all their other values, or are gone.
        Raises TooManyDeadLetters as `changes` does.
        """
        letters = [_letter(self._stream, each, batch.transactions[-1]) for each in missing]
        again = {each.id for each in letters}
        known = {identity for each in self._values.values() for identity in each}
        if new := [each for each in letters if each.id not in known]:
            self._require_few(new)
        done = [
            identity
            for (collection, key), identities in self._values.items()
            if any(key in keys for keys in decided.get(collection, ()))
            for identity in sorted(identities - again)
        ]
        writes = [opened(self._stream, each) for each in letters]
        return LetterChanges(letters, done, (*writes, *map(resolved, done)))

    def _cleared(self, batch: Batch) -> Iterator[str]:
        """Yield the open letters on rows that a statement removes as a whole."""
        for clear in batch.clears:
            schema, table = split_name(clear.table)
            of = (
                {"$regex": f"^{re.escape(full_name(schema, ''))}"}
                if table == ANY_TABLE
                else clear.table
            )
            query: dict[str, Any] = {
                "stream": self._stream,
                "state": LetterState.OPEN.value,
                "table": of,
                "collection": clear.collection,
            }
            if clear.marks:  # its pieces have decided on the values in documents that stay
                query["path"] = {"$in": ["", None]}
            for each in self._documents.find(query, {"_id": 1}):
                yield str(each["_id"])

    def _is_open(self, letter: Letter) -> bool:
        if not letter.failure.id:
            return letter.id in self._keyless
        return comparable(letter.failure.id) in self._open.get(letter.collection, {})

    def _require_few(self, letters: Sequence[Letter]) -> None:
        most, window = self._limits.most, self._limits.window_seconds
        count = len(letters) + self._recent(letters)
        if count <= most:
            return
        last = letters[-1]
        raise TooManyDeadLetters(
            f"{count} dead letters would be open that are not older than {window:g} seconds, and"
            f" dead_letters.max is {most}; the last one's reason is: {_why(last.failure)}",
            position=last.position,
            table=last.origin.table,
            remedy="see what they have in common: cdc dead-letters list; mend the mapping, the"
            " collection's validator or index, or the rows, and start again: nothing is lost;"
            " those that do not matter: cdc dead-letters discard --all; or raise dead_letters.max",
        )

    def _recent(self, letters: Sequence[Letter]) -> int:
        """Count other open letters of the window, by the target's clock."""
        since = {"$subtract": ["$$NOW", int(self._limits.window_seconds * 1000)]}
        return self._documents.count_documents(
            {
                "stream": self._stream,
                "state": LetterState.OPEN.value,
                "$expr": {"$gte": ["$first_at", since]},
                "_id": {"$nin": [each.id for each in letters]},
            }
        )

    def landed(self, letter_changes: LetterChanges) -> list[Letter]:
        """Note that a batch with these changes is durable; return the letters that are new."""
        new = [each for each in letter_changes.opened if not self._is_known(each)]
        gone = {*letter_changes.resolved}
        if gone:
            self._keyless -= gone
            rest = {place: each - gone for place, each in self._values.items()}
            self._values = {place: each for place, each in rest.items() if each}
            for collection, known in self._open.items():
                kept = {key: each for key, each in known.items() if each not in gone}
                self._open[collection] = kept
            self._open = {name: known for name, known in self._open.items() if known}
        for each in letter_changes.opened:
            self._remember(each.id, each.collection, each.failure.id, each.path)
        return new

    def _is_known(self, letter: Letter) -> bool:
        if not letter.path:
            return self._is_open(letter)
        place = letter.collection, comparable(letter.failure.id)
        return letter.id in self._values.get(place, ())


def _letter(stream: str, missing: Missing, transaction: MappedTransaction) -> Letter:
    value, path = missing.value, ".".join(missing.value.path)
    return Letter(
        value_letter_id(stream, value.collection, value.id, path),
        value.collection,
        Origin(missing.table),
        transaction,
        Failure(0, EMBED, value.id, value.document, value.reason, value.error),
        path=path,
    )


def _why(failure: Failure) -> str:
    """Return the reason without the server's words, which may hold values."""
    column = f", column {failure.column}" if failure.column else ""
    return f"{failure.reason.value}{column}"


def key_of(document: Mapping[str, Any]) -> bytes:
    """Return a letter's key as an operation's id."""
    if document.get("key") is None:
        return b""
    raw = bson.encode({"_id": document["key"]}, codec_options=ANY_TIME_AWARE)
    return raw[4:5] + raw[9:-1]


def outcomes(stream: str, batch: Batch, known: Open) -> tuple[list[Letter], list[str]]:
    """Return the letters that the batch opens, and those that it resolves."""
    failing: dict[str, set[object]] = {}
    for collection, failures in batch.failures():
        keys = {comparable(each.id) for each in failures if each.id}
        failing.setdefault(collection, set()).update(keys)
    watched = {
        name: failing.get(name, set()) | known.get(name, {}).keys() for name in {*failing, *known}
    }
    last: dict[tuple[str, object], Letter | None] = {}
    for transaction, collection, origin, each in _changes(batch, watched):
        if isinstance(each, Failure):
            identity = letter_id_of(stream, collection, origin, each)
            key = comparable(each.id) if each.id else identity
            before = last.get((collection, key))
            times = before.times + 1 if before else 1
            last[collection, key] = Letter(identity, collection, origin, transaction, each, times)
        elif (key := comparable(each.id)) in watched[collection]:
            last[collection, key] = None
    letters = [each for each in last.values() if each is not None]
    done = [
        known[collection][key]
        for (collection, key), letter in last.items()
        if letter is None and key in known.get(collection, {})
    ]
    return letters, done


def _changes(
    batch: Batch, watched: Container[str]
) -> Iterator[tuple[MappedTransaction, str, Origin, Operation | Failure]]:
    """Yield the changes of collections that have letters, in the source's order."""
    if not any(collection in watched for collection, _ in batch.changes()):
        return
    for transaction in batch.transactions:
        for index, (collection, operations) in enumerate(transaction.changes):
            if collection in watched:
                origin = transaction.origin(index)
                for each in _merged(operations, origin.failures):
                    yield transaction, collection, origin, each


def _merged(
    operations: Sequence[Operation], failures: Sequence[Failure]
) -> Iterator[Operation | Failure]:
    if not failures:
        yield from operations
        return
    start = 0
    for failure in failures:
        yield from operations[start : failure.operations_before]
        yield failure
        start = failure.operations_before
    yield from operations[start:]
