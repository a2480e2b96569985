"""The terms on which an attempt embeds: how much of it at once, and which values it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Self

from cdc.model.dead_letter import Reason
from cdc.model.document_id import comparable
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.errors import Refused

AT_ONCE: Final = 5_000
"""Documents that an embed derives in the transaction that changes what they embed."""

Place = tuple[str, object]
"""A document: its collection, and its id as MongoDB compares it."""


class Refusal(NamedTuple):
    """The values that the target does not take in a document, and its words.

    `stays`: it takes the document without them neither, which therefore stays as it is.
    """

    paths: frozenset[Path]
    reason: Reason
    text: str
    stays: bool = False


class Unembeddable(Exception):
    """The target refuses a document for what it embeds."""

    def __init__(self, place: Place, refusal: Refusal) -> None:
        """`refusal` says what to leave out of the document at the next attempt."""
        self.place = place
        self.refusal = refusal
        super().__init__(refusal.text)


@dataclass(frozen=True, slots=True)
class Terms:
    """Up to `at_once` documents an embed are derived at once, more are owed.

    `refused` are the values that the target has refused already, by the document. `apart`: each
    document is changed by a statement of its own, since one of several was refused.
    """

    at_once: int = AT_ONCE
    refused: Mapping[Place, Refusal] = field(default_factory=dict)
    apart: bool = False

    def owing(self) -> Self:
        """Return the terms on which nothing is derived, and all is owed."""
        return replace(self, at_once=0)

    def each_apart(self) -> Self:
        """Return the terms on which a refusal names its document."""
        return replace(self, apart=True)

    def without(self, error: Unembeddable) -> Self:
        """Return the terms without the values that the target has just refused."""
        return replace(self, refused={**self.refused, error.place: error.refusal})

    def anew(self, refused: Refused) -> Self:
        """Return the terms without a row that was set aside: its document stays what it was."""
        place = (refused.collection, comparable(refused.id))
        return replace(
            self, refused={key: each for key, each in self.refused.items() if key != place}
        )


NOTHING_AT_ONCE: Final = Terms(at_once=0)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value that does not stand in its document, which is `document` without it."""

    collection: str
    path: Path
    id: bytes
    document: bytes
    reason: Reason
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction decided: of which documents it made the values, and what it left out."""

    left_out: list[LeftOut] = field(default_factory=list)
    decided: dict[str, list[Set[object]]] = field(default_factory=dict)
    """The ids of the documents, as MongoDB compares them, by collection."""

    def decide(self, collection: str, keys: Set[object]) -> None:
        """Note documents whose values are made, or that are deleted."""
        self.decided.setdefault(collection, []).append(keys)
