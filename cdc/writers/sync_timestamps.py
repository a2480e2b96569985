"""Writes into each document when it was written, where its mapping asks for a `stamp`.

Only what is sent holds the stamp, behind everything else: no plan makes it, and no comparison of
a document with its row sees it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

_DATE: Final = b"\x09"


class _Stamped(Protocol):
    """What a mapping says of its collection's stamps."""

    @property
    def target(self) -> str:
        """The collection."""
        ...

    @property
    def stamp(self) -> str | None:
        """The field; None for no stamp."""
        ...


@dataclass(frozen=True, slots=True)
class SyncTimestamps:
    """The field of each collection that is stamped; `clock` gives seconds since the epoch."""

    fields: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, mappings: Iterable[_Stamped]) -> Self:
        """Return what mappings ask for; those of one collection agree."""
        return cls({each.target: each.stamp for each in mappings if each.stamp})

    def element(self, collection: str) -> bytes:
        """Return the stamp of now as an element of a BSON document; empty where there is none."""
        name = self.fields.get(collection)
        if name is None:
            return b""
        return b"%b%b\0%b" % (_DATE, name.encode(), self._milliseconds().to_bytes(8, "little"))

    def marks(self, collection: str) -> dict[str, datetime]:
        """Return the stamp of now as fields to set."""
        name = self.fields.get(collection)
        return {name: datetime.fromtimestamp(self._milliseconds() / 1000, UTC)} if name else {}

    def hidden(self, collection: str) -> dict[str, Any] | None:
        """Return the projection that leaves the stamp out of what is read."""
        name = self.fields.get(collection)
        return {name: 0} if name else None

    def _milliseconds(self) -> int:
        return int(self.clock() * 1000)


NO_STAMPS: Final = SyncTimestamps()


def stamped(document: bytes, element: bytes) -> bytes:
    """Return a BSON document with one element more, the last."""
    size = len(document) + len(element)
    return b"%b%b%b\0" % (size.to_bytes(4, "little"), document[4:-1], element)
