"""Where a page of the timeline begins: behind one of its tweets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Decimal128
from django.db.models import Q

from portal.tweets.fields import LARGEST_ID

_WRITTEN = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,20})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_INT64 = (1 << 63) - 1

Key = int | Decimal128


@dataclass(frozen=True, slots=True)
class Place:
    """A tweet's place, newest first: its id decides between two of one instant."""

    written_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.written_at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @property
    def older_documents(self) -> dict[str, Any]:
        """Return what finds the documents behind it."""
        return {
            "created_at": {"$lte": self.written_at},
            "$nor": [{"created_at": self.written_at, "_id": {"$gte": key(self.id)}}],
        }

    @property
    def older_rows(self) -> Q:
        """Return what finds the rows behind it."""
        return Q(created_at__lt=self.written_at) | Q(created_at=self.written_at, pk__lt=self.id)


def place(written: str) -> Place:
    """Read what `str` of a place wrote; ValueError for anything else."""
    if not (found := _WRITTEN.fullmatch(written)) or int(found[2]) > LARGEST_ID:
        raise ValueError(f"{written[:40]!r} is no place in the timeline")
    return Place(_EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))


def key(id_: int) -> Key:
    """Return the key of a document, as replication writes an unsigned id."""
    return id_ if id_ <= _LARGEST_INT64 else Decimal128(str(id_))


def number(key: Key) -> int:
    """Return the id that a document is kept under."""
    return int(key.to_decimal()) if isinstance(key, Decimal128) else key
