"""The start of a page of the timeline: behind one of its tweets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bson import DatetimeMS, Decimal128
from django.db.models import Q

from portal.bson_dates import Moment, microseconds, nearest
from portal.tweets.fields import LARGEST_ID

_WRITTEN = re.compile(r"(-?[0-9]{1,22})-([0-9]{1,20})")
_LARGEST_INT64 = (1 << 63) - 1

Key = int | Decimal128


@dataclass(frozen=True, slots=True)
class PageCursor:
    """A tweet's place, newest first: its id decides between two of one instant.

    `written_at` is in microseconds since 1970, as in MySQL, within BSON's range.
    """

    written_at: int
    id: int

    def __str__(self) -> str:
        return f"{self.written_at}-{self.id}"

    @property
    def older_documents(self) -> dict[str, Any]:
        """Return the filter of the documents behind it."""
        written_at = DatetimeMS(self.written_at // 1000)
        return {
            "created_at": {"$lte": written_at},
            "$nor": [{"created_at": written_at, "_id": {"$gte": key(self.id)}}],
        }

    def newer_documents(self, *, but_of: int) -> dict[str, Any]:
        """Return the filter of the documents before it, except those of one author."""
        written_at = DatetimeMS(self.written_at // 1000)
        return {
            "created_at": {"$gte": written_at},
            "$nor": [
                {"created_at": written_at, "_id": {"$lte": key(self.id)}},
                {"user_id": key(but_of)},
            ],
        }

    @property
    def older_rows(self) -> Q:
        """Return the filter of the rows behind it."""
        written_at = nearest(self.written_at)
        return Q(created_at__lt=written_at) | Q(created_at=written_at, pk__lt=self.id)


def place(written: str) -> PageCursor:
    """Parse the `str` of a cursor; raises ValueError for anything else."""
    if found := _WRITTEN.fullmatch(written):
        told = PageCursor(int(found[1]), int(found[2]))
        if ~_LARGEST_INT64 <= told.written_at // 1000 <= _LARGEST_INT64 and told.id <= LARGEST_ID:
            return told
    raise ValueError(f"{written[:40]!r} is no place in the timeline")


def place_of(written_at: Moment, id_: int) -> PageCursor:
    """Return the place of a tweet."""
    return PageCursor(microseconds(written_at), id_)


def key(id_: int) -> Key:
    """Return the key of a document, as replication writes an unsigned id."""
    return id_ if id_ <= _LARGEST_INT64 else Decimal128(str(id_))


def number(key: Key) -> int:
    """Return the id of a document's key."""
    return int(key.to_decimal()) if isinstance(key, Decimal128) else int(key)
