"""Keeps what is in databases of MongoDB, and puts it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pymongo.database import Database

_Content = dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]
_ID_INDEX: Final = "_id_"


class Saved:
    """Databases as they were when it was made: their documents and indexes."""

    def __init__(self, databases: Sequence[Database[dict[str, Any]]]) -> None:
        self._databases = databases
        self.contents = self.now()

    def now(self) -> list[_Content]:
        """What is in them now."""
        return [
            {
                name: (
                    list(each[name].find().sort("_id")),
                    [dict(index) for index in each[name].list_indexes()],
                )
                for name in sorted(each.list_collection_names())
            }
            for each in self._databases
        ]

    def put_back(self) -> None:
        for database, content in zip(self._databases, self.contents, strict=True):
            database.client.drop_database(database.name)
            for name, (documents, indexes) in content.items():
                database.create_collection(name)
                if documents:
                    database[name].insert_many(documents)
                for index in indexes:
                    if index["name"] != _ID_INDEX:
                        options = {k: v for k, v in index.items() if k not in ("key", "v")}
                        database[name].create_index(list(index["key"].items()), **options)
