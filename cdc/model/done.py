"""What a stream's documents hold beyond its position: source transactions that lanes have applied.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

from cdc.model.checkpoint import Checkpoint
from cdc.model.position import Position

DONE: Final = "done"
"""The field of a state document that lists them; null if there are none."""

_NUMBERED: Final = re.compile(r"(.*[:-])([0-9]+)")


class Span(NamedTuple):
    """Source transactions whose identities begin alike and end with `first` to `last`.

    `uuid:5` to `uuid:90`, `0-1-5` to `0-1-90`; or those of a file that begin at its offsets from
    `first` to `last`.
    """

    prefix: str
    first: int
    last: int

    @classmethod
    def of(cls, first: str, last: str = "") -> Self:
        """Return the span from one identity to another, or of one alone.

        Raises ValueError unless both are identities of one server.
        """
        begin = _NUMBERED.fullmatch(first)
        end = _NUMBERED.fullmatch(last or first)
        if begin is None or end is None or begin[1] != end[1]:
            raise ValueError(f"not two transactions of one server: {first!r}, {last!r}")
        return cls(begin[1], int(begin[2]), int(end[2]))

    @property
    def size(self) -> int:
        """The number of numbers from the first to the last."""
        return self.last - self.first + 1

    def contains(self, other: Span) -> bool:
        """Return whether all of `other` is in this one."""
        return self.prefix == other.prefix and self.first <= other.first <= other.last <= self.last

    def overlaps(self, other: Span) -> bool:
        """Return whether both can have a transaction in common."""
        return self.prefix == other.prefix and self.first <= other.last and other.first <= self.last


def is_disjoint(spans: Iterable[Span]) -> bool:
    """Return whether no two of the spans overlap."""
    ordered = sorted(spans)
    return not any(one.overlaps(two) for one, two in pairwise(ordered))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that meet or overlap as one: they hold the same transactions."""
    found: list[Span] = []
    for each in sorted(spans):
        last = found[-1] if found else None
        if last is not None and last.prefix == each.prefix and each.first <= last.last + 1:
            found[-1] = last._replace(last=max(last.last, each.last))
        else:
            found.append(each)
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """Source transactions that are applied, though the stream's position is before them.

    `last` is the checkpoint behind the last of them: all are passed once a position contains that
    one's. Until then each source must hold it, with its witness.
    """

    spans: tuple[Span, ...] = ()
    last: Checkpoint | None = None
    _by_prefix: Mapping[str, Sequence[Span]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Span]] = {}
        for each in joined(self.spans):
            found.setdefault(each.prefix, []).append(each)
        object.__setattr__(self, "_by_prefix", found)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def contains(self, span: Span) -> bool:
        """Return whether all of a span is applied."""
        before = self._before(span.prefix, span.first)
        return before is not None and before.contains(span)

    def overlaps(self, span: Span) -> bool:
        """Return whether some of a span may be applied."""
        before = self._before(span.prefix, span.last)
        return before is not None and before.overlaps(span)

    def _before(self, prefix: str, number: int) -> Span | None:
        """Return the last span that begins at a number, or before it; None if there is none."""
        spans = self._by_prefix.get(prefix, ())
        at = bisect_right(spans, number, key=_first)
        return spans[at - 1] if at else None

    def is_passed_by(self, position: Position) -> bool:
        """Return whether a position is behind all of them."""
        return self.last is None or position.contains(self.last.position)

    def to_document(self) -> dict[str, Any] | None:
        """Return it as a state document stores it."""
        if self.last is None:
            return None
        return {"spans": spans_to_document(self.spans), "last": self.last.to_document()}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Return what a state document says."""
        stored = state.get(DONE)
        if not stored:
            return cls()
        return cls(spans_of(stored["spans"]), Checkpoint.from_document(stored["last"]))


NOTHING_DONE: Final = Done()


def _first(span: Span) -> int:
    return span.first


def spans_to_document(spans: Iterable[Span]) -> list[list[Any]]:
    """Return spans as a document stores them."""
    return [list(each) for each in spans]


def spans_of(stored: Sequence[Sequence[Any]]) -> tuple[Span, ...]:
    """Read what `spans_to_document` wrote."""
    return tuple(Span(str(each[0]), int(each[1]), int(each[2])) for each in stored)
