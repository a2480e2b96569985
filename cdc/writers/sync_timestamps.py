"""Stamps each document with the time of writing, if its mapping asks for a `stamp`.

Only documents that are sent hold the stamp, as the last field. Plans do not make it, and
comparisons of a document with its row do not see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

_DATE: Final = b"\x09"


class _Stamped(Protocol):
    """A mapping's stamp of its collection."""

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
    """The stamp field of each collection that has one; `clock` counts seconds since the epoch."""

    fields: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, mappings: Iterable[_Stamped]) -> Self:
        """Return the stamps of mappings; those of one collection agree."""
        return cls({each.target: each.stamp for each in mappings if each.stamp})

    def element(self, collection: str) -> bytes:
        """Return the stamp of now as a BSON element; empty if the collection has none."""
        name = self.fields.get(collection)
        if name is None:
            return b""
        return b"%b%b\0%b" % (_DATE, name.encode(), self._milliseconds().to_bytes(8, "little"))

    def hidden(self, collection: str) -> dict[str, Any] | None:
        """Return the projection that leaves the stamp out of reads."""
        name = self.fields.get(collection)
        return {name: 0} if name else None

    def _milliseconds(self) -> int:
        return int(self.clock() * 1000)


NO_STAMPS: Final = SyncTimestamps()


def stamped(document: bytes, element: bytes) -> bytes:
    """Return a BSON document with one more element at the end."""
    size = len(document) + len(element)
    return b"%b%b%b\0" % (size.to_bytes(4, "little"), document[4:-1], element)
