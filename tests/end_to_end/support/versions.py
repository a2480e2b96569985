"""Records what readers saw: every version of every document, in order."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tests.end_to_end.support.stream import hashable

Document = dict[str, Any]
END = "end_of_the_watch"


class Versions:
    """The history of a database's documents since this was made.

    The source gives every change of a row a number that is larger than any before it in rows of
    its `_id`, deleted ones too.
    """

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._database = database
        self._since = client.admin.command("hello")["operationTime"]

    def steps_back(self, collection: str) -> list[str]:
        """Return the documents that became older than they were, or came back after a deletion."""
        latest: dict[Any, int] = {}
        deleted: set[Any] = set()
        found: list[str] = []
        self.seen = 0
        for kind, key, version in self._events(collection):
            self.seen += 1
            if kind == "delete":
                deleted.add(key)
                continue
            before = latest.get(key, -1)
            if version < before or (version == before and key in deleted):
                found.append(f"{key}: {version} after {before}, deleted: {key in deleted}")
            latest[key] = version
            deleted.discard(key)
        return found

    def _events(self, collection: str) -> Any:
        self._database[END].insert_one({})
        with self._database.watch(start_at_operation_time=self._since) as stream:
            for event in stream:
                if event["ns"]["coll"] == END:
                    return
                if event["ns"]["coll"] == collection and "documentKey" in event:
                    document = event.get("fullDocument") or {}
                    key = hashable(event["documentKey"]["_id"])
                    yield event["operationType"], key, document.get("version", -1)
