"""Opens and resolves dead letters: writes that commit with a batch and its checkpoint."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any, Final, NamedTuple

import bson

from cdc.model.any_time import ANY_TIME_AWARE
from cdc.model.batch import MappedTransaction
from cdc.model.dead_letter import DEAD_LETTERS, Failure, LetterState, Origin
from cdc.model.document_id import comparable, query
from cdc.model.state_change import StateWrite
from cdc.writers.dead_letters.row_text import shown

EMBED: Final = "embed"
"""The action of a letter on a value that a document embeds."""

COPIED: Final = "copy"
"""The action of a letter whose row was read in a chunk."""

ID_DIGITS: Final = 16

MAX_KEY_BYTES: Final = 64_000
"""The longest key that is stored: a letter must always fit."""


class Letter(NamedTuple):
    """A letter that a batch opens, or keeps open; its document failed `times` times in it.

    With a `path` it is the value embedded there that is missing, not the row.
    """

    id: str
    collection: str
    origin: Origin
    transaction: MappedTransaction
    failure: Failure
    times: int = 1
    path: str = ""

    @property
    def action(self) -> str:
        """The operation on the row that failed."""
        return self.failure.action if self.transaction.identity or self.path else COPIED

    @property
    def position(self) -> str:
        """The position before the transaction; for a chunk the one at which it was applied."""
        return str(self.transaction.before or self.transaction.checkpoint.position)


def letter_id(stream: str, collection: str, key: bytes) -> str:
    """Return the id of the letter on a document; ids that are equal to MongoDB share it."""
    return _digest(stream, collection, _canonical(comparable(key)))


def value_letter_id(stream: str, collection: str, key: bytes, path: str) -> str:
    """Return the id of the letter on a value that a document embeds."""
    return _digest(stream, collection, _canonical(comparable(key)), path)


def letter_id_of(stream: str, collection: str, origin: Origin, failure: Failure) -> str:
    """Return the id of the letter on a failure; without a key, by the row's known parts."""
    if failure.id:
        return letter_id(stream, collection, failure.id)
    return _digest(stream, collection, origin.table, failure.column, failure.document.hex())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:ID_DIGITS]


def _canonical(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return repr([(name, _canonical(part)) for name, part in value])
    try:
        return f"number {Fraction(value)}"
    except (TypeError, ValueError, OverflowError):  # not a number, or not a finite one
        return repr(value)


def opened(stream: str, letter: Letter) -> StateWrite:
    """Open a letter, or count further failures of its document, once per transaction."""
    failure, row = letter.failure, shown(letter.failure.document)
    facts = {
        "stream": stream,
        "state": LetterState.OPEN.value,
        "table": letter.origin.table,
        "collection": letter.collection,
        "key": _key(failure.id),
        "action": letter.action,
        "transaction": letter.transaction.identity,
        "position": letter.position,
        "reason": failure.reason.value,
        "column": failure.column,
        "path": letter.path,
        "error": failure.error,
        "row": row.text,
        "row_bytes": len(failure.document),
        "truncated": row.truncated,
    }
    literal = {name: {"$literal": value} for name, value in facts.items()}
    was_open = {"$eq": ["$state", LetterState.OPEN.value]}
    again = {"$and": [letter.transaction.identity != "", _is("$transaction", letter)]}
    counted = {"$cond": [again, "$count", {"$add": ["$count", letter.times]}]}
    change = {
        **literal,
        "first_at": {"$cond": [was_open, "$first_at", "$$NOW"]},
        "last_at": "$$NOW",
        "count": {"$cond": [was_open, counted, letter.times]},
        "resolved_at": "$$REMOVE",
    }
    return StateWrite(DEAD_LETTERS, {"_id": letter.id}, [{"$set": change}], upsert=True)


def _key(identifier: bytes) -> Any:
    if not 0 < len(identifier) <= MAX_KEY_BYTES:
        return None
    return bson.decode(query(identifier), ANY_TIME_AWARE)["_id"]


def _is(field: str, letter: Letter) -> dict[str, Any]:
    return {"$eq": [field, {"$literal": letter.transaction.identity}]}


def resolved(identity: str) -> StateWrite:
    """Mark a letter as resolved: the document equals its row again."""
    return StateWrite(
        DEAD_LETTERS,
        {"_id": identity, "state": LetterState.OPEN.value},
        [{"$set": {"state": LetterState.RESOLVED.value, "resolved_at": "$$NOW"}}],
    )
