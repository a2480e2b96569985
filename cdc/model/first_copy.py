"""A held stream: its first copy is made by several workers, range by range, before it begins.

`docs/architecture.md`, "First copies by several workers", has the argument and its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

from cdc.model.position import Position, from_document, to_document

COPYING: Final = "copying"
"""The field of a held stream's state document, which has no position beside it."""

AHEAD: Final = "ahead"
"""The field of a state document that lists positions: documents may hold what is in them.

A stream that has just begun is behind them; they stay until somebody sets its position.
"""

RANGES: Final = "ranges"
"""The collection of the state database that holds tails and ranges."""

RANGE_CHUNKS: Final = 20
"""The number of chunks of a range: seconds of work, so that nobody waits long for the last one."""

Key = tuple[Any, ...]


class RangeState(StrEnum):
    """The state of a range, and of a tail: it is open while there is more to cut."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HeldCopy:
    """What is copied before a stream begins at `position`.

    `id` is of this copy alone: whoever worked for a stream of this name that was removed matches
    nothing of it. `server` is the identity of the one whose files the position names. Each read
    must hold `seen`. `copies` are tables, `schema.table`, and their collections in `database`.
    """

    id: str
    position: Position
    server: str
    seen: Position
    copies: tuple[tuple[str, str], ...]
    database: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are copied."""
        return tuple(dict.fromkeys(table for table, _ in self.copies))

    @property
    def covered(self) -> list[str]:
        """The copies as a state document lists those that need no backfill."""
        return [f"{table} {target}" for table, target in self.copies]

    @property
    def targets(self) -> dict[str, set[str]]:
        """The collections of each table."""
        found: dict[str, set[str]] = {}
        for table, target in self.copies:
            found.setdefault(table, set()).add(target)
        return found

    def without(self, table: str) -> Self:
        """Return it without a table."""
        return replace(self, copies=tuple(each for each in self.copies if each[0] != table))

    def to_document(self) -> dict[str, Any]:
        """Return it as the state document stores it."""
        return {
            "id": self.id,
            "position": to_document(self.position),
            "seen": to_document(self.seen),
            "copies": stored(self.copies),
            "database": self.database,
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self | None:
        """Read it from a state document; None if the stream is not held."""
        document = state.get(COPYING)
        if not document:
            return None
        return cls(
            str(document["id"]),
            from_document(document["position"]),
            str(state.get("server", "")),
            from_document(document["seen"]),
            tuple((each["table"], each["target"]) for each in document["copies"]),
            str(document["database"]),
        )


def stored(copies: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return copies as a state document stores them."""
    return [{"table": table, "target": target} for table, target in copies]


@dataclass(frozen=True, slots=True)
class Tail:
    """What is left of a table to be cut into ranges: the rows behind `after`, in `order`.

    None are the table's beginning, and an order that no cut has chosen yet. `cuts` counts the
    ranges that were cut off.
    """

    table: str
    order: str | None = None
    after: Key | None = None
    cuts: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a tail's document."""
        return cls(
            str(document["table"]), document["order"], key_of(document["after"]), document["cuts"]
        )


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The rows of a table behind the key `after`, up to `last`, in the order of a key.

    None are the table's beginning and its end. Each read must hold `seen`. `rows` were copied so
    far, in `seconds` of work; `after` is behind the last of them.
    """

    id: str
    table: str
    order: str
    after: Key | None
    last: Key | None
    seen: Position
    rows: int = 0
    seconds: float = 0.0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a range's document."""
        return cls(
            str(document["_id"]),
            str(document["table"]),
            str(document["order"]),
            key_of(document["after"]),
            key_of(document["last"]),
            from_document(document["position"]),
            int(document["rows"]),
            float(document["seconds"]),
        )


def ahead_of(state: Mapping[str, Any]) -> tuple[Position, ...]:
    """Return the positions that a stream's documents may hold though its own is before them."""
    return tuple(from_document(each) for each in state.get(AHEAD) or ())


def key_of(stored: Sequence[Any] | None) -> Key | None:
    """Return a key as it was before it was stored."""
    return None if stored is None else tuple(stored)
