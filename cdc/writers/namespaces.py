"""Says where the documents of a stream's collections are: in which database, under which name.

Mappings, and all of the stream's own state, name a collection by its `target` alone. The documents
of hidden collections are in the state database, which streams share, so the stream's name is in
theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from cdc.config import Config
from cdc.mapping.file.mapping import Mapping


class Namespace(NamedTuple):
    """A collection as MongoDB knows it."""

    database: str
    collection: str

    def __str__(self) -> str:
        return f"{self.database}.{self.collection}"


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The namespaces of one stream's collections, of which some are `hidden`."""

    database: str
    state_database: str
    stream: str
    hidden: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: Config, mappings: Iterable[Mapping]) -> Self:
        """Return those of a configured stream; the mappings of one target agree on `hidden`."""
        return cls(
            config.target.database,
            config.target.state_database,
            config.name,
            frozenset(each.target for each in mappings if each.hidden),
        )

    def named(self, target: str) -> Namespace:
        """Return the namespace of a collection that mappings call so.

        A stream's name ends at the first dot of a hidden collection's, so no other stream and
        target come to the same.
        """
        if target not in self.hidden:
            return Namespace(self.database, target)
        return Namespace(self.state_database, hidden_beginning(self.stream) + target)


def hidden_beginning(stream: str) -> str:
    """Return what the names of a stream's hidden collections begin with, and no other's do."""
    return f"embedded-{stream.replace('.', '%2E')}."
