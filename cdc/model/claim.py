"""Claims: each collection of the target belongs to one stream of a state database.

A claim is a document in the state database's `claims`, whose `_id` is unique:

    {_id: "database.collection", stream, since}
    {_id: "database.collection", stream: null, former, since}      given up by `former`

A stream claims the collections that its mappings name in the transaction in which it accepts them,
under its epoch. In the same transaction it gives up those that they no longer name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from cdc.model.state_change import StateWrite

CLAIMS: Final = "claims"
"""The collection of the state database."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One collection, `database.collection`; `stream` is None if its owner has given it up."""

    collection: str
    stream: str | None
    former: str | None
    since: datetime

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Parse a claim's document; anybody may have edited one."""
        stream, former, since = (document.get(name) for name in ("stream", "former", "since"))
        return cls(
            collection=str(document["_id"]),
            stream=None if stream is None else str(stream),
            former=None if former is None else str(former),
            since=since if isinstance(since, datetime) else datetime.fromtimestamp(0, UTC),
        )

    def is_anothers(self, stream: str) -> bool:
        """Return whether another stream holds the collection."""
        return self.stream is not None and self.stream != stream


def claiming(
    stream: str, wanted: Iterable[str], known: Iterable[Claim], now: datetime
) -> list[StateWrite]:
    """Return the writes after which the stream owns the `wanted` collections, and no others.

    A collection that another stream has claimed meanwhile makes its write fail as a duplicate.
    """
    names = set(wanted)
    ours = {each.collection for each in known if each.stream == stream}
    return [
        *(_claimed(each, stream, now) for each in sorted(names - ours)),
        *(given_up(each, stream, now) for each in sorted(ours - names)),
    ]


def _claimed(collection: str, stream: str, now: datetime) -> StateWrite:
    return StateWrite(
        CLAIMS,
        {"_id": collection, "stream": {"$in": [None, stream]}},
        {"$set": {"stream": stream, "since": now}, "$unset": {"former": ""}},
        upsert=True,
    )


def given_up(collection: str, stream: str, now: datetime) -> StateWrite:
    """Return the write that releases a claim; the next owner must not trust old documents."""
    return StateWrite(
        CLAIMS,
        {"_id": collection, "stream": stream},
        {"$set": {"stream": None, "former": stream, "since": now}},
    )


def inherited(known: Iterable[Claim], stream: str) -> frozenset[str]:
    """Return the collections with documents that another stream left behind."""
    return frozenset(
        each.collection for each in known if each.stream is None and each.former != stream
    )
