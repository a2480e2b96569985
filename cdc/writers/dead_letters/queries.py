"""Reads and discards the dead letters of a stream for operators, beside any daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.model.any_time import ANY_TIME_AWARE
from cdc.model.dead_letter import DEAD_LETTERS, DeadLetter, LetterState
from cdc.writers.concerns import MAJORITY
from cdc.writers.dead_letters.store import letter_id
from cdc.writers.documents import bson_value
from cdc.writers.errors import explained
from cdc.writers.id_search import ids_beginning


class DeadLetters:
    """The letters of one stream."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], *, state_database: str, stream: str
    ) -> None:
        self._stream = stream
        self._documents = client[state_database].get_collection(
            DEAD_LETTERS,
            codec_options=ANY_TIME_AWARE,
            read_concern=ReadConcern("majority"),
            write_concern=MAJORITY,
        )

    def all(
        self, *, table: str | None = None, states: Sequence[LetterState] = (LetterState.OPEN,)
    ) -> list[DeadLetter]:
        """Return the letters in one of these states, the oldest first; all or one table's."""
        query: dict[str, Any] = {"stream": self._stream, "state": {"$in": [*states]}}
        if table is not None:
            query["table"] = table
        with explained():
            found = self._documents.find(query).sort([("last_at", 1), ("_id", 1)])
            return [DeadLetter.from_document(each) for each in found]

    def get(self, identity: str) -> DeadLetter | None:
        """Return a letter; None if there is none with this id."""
        with explained():
            document = self._documents.find_one({"_id": identity, "stream": self._stream})
        return DeadLetter.from_document(document) if document else None

    def beginning(self, text: str) -> list[str]:
        """Return the ids of two letters at most that begin with a text."""
        return ids_beginning(self._documents, self._stream, text)

    def count(self) -> int:
        """Return the number of open letters."""
        query = {"stream": self._stream, "state": LetterState.OPEN.value}
        with explained():
            return self._documents.count_documents(query)

    def open_on(self, collection: str, key: bytes) -> str | None:
        """Return the id of the open letter on a document, or on a value that it embeds.

        `key` is type byte and value bytes.
        """
        state = {"state": LetterState.OPEN.value}
        of_row = {"_id": letter_id(self._stream, collection, key), **state}
        of_value = {
            "stream": self._stream,
            **state,
            "collection": collection,
            "key": bson_value(key),
            "path": {"$gt": ""},
        }
        with explained():
            found = self._documents.find_one(of_row) or self._documents.find_one(of_value)
        return None if found is None else str(found["_id"])

    def discard(self, identity: str) -> bool:
        """Mark an open letter as discarded; return whether it was open."""
        query = {"_id": identity, "stream": self._stream, "state": LetterState.OPEN.value}
        change = {"state": LetterState.DISCARDED.value, "resolved_at": "$$NOW"}
        with explained():
            result = self._documents.update_one(query, [{"$set": change}])
        return result.matched_count == 1


def letters_of(config: Config, client: MongoClient[dict[str, Any]]) -> DeadLetters:
    """Return the letters of a configured stream."""
    return DeadLetters(client, state_database=config.target.state_database, stream=config.name)
