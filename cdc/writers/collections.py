"""Reaches the collections of one stream by the names that mappings give them."""

from __future__ import annotations

from typing import Any, Final

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.writers.namespaces import Namespaces

Document = dict[str, Any]


class Collections:
    """A stream's collections, in whatever database each is."""

    def __init__(
        self,
        client: MongoClient[Document],
        namespaces: Namespaces,
        *,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
    ) -> None:
        """Use these concerns; None are the client's."""
        self._namespaces: Final = namespaces
        self._databases = {
            name: client.get_database(name, read_concern=read_concern, write_concern=write_concern)
            for name in (namespaces.database, namespaces.state_database)
        }

    def of(self, target: str, **options: Any) -> Collection[Any]:
        """Return a collection; `options` are those of pymongo's `get_collection`."""
        database, name = self._namespaces.named(target)
        return self._databases[database].get_collection(name, **options)

    def command(self, body: Document, **options: Any) -> Document:
        """Run a command on the collection that it names first, as in `{insert: target, …}`."""
        verb, target = next(iter(body.items()))
        database, name = self._namespaces.named(target)
        return self._databases[database].command({**body, verb: name}, **options)
