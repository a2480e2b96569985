"""What the demo needs of a connection to either side; the drivers' own objects fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class Cursor(Protocol):
    """A cursor of the Python database API (PEP 249)."""

    def execute(self, query: str, args: Any = ...) -> int:
        """Run one statement; the rows it touched."""
        ...

    def executemany(self, query: str, args: Iterable[Any]) -> int | None:
        """Run one statement for each of the rows."""
        ...

    def fetchone(self) -> Any:
        """Return the next row of the result, or None."""
        ...

    def fetchall(self) -> Sequence[Any]:
        """Return the rows of the result that are left."""
        ...


class Connection(Protocol):
    """A connection of the Python database API, with autocommit off."""

    def cursor(self) -> Cursor:
        """Open a cursor."""
        ...

    def commit(self) -> None:
        """Commit the transaction."""
        ...

    def rollback(self) -> None:
        """Roll the transaction back."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Documents(Protocol):
    """What a query to a collection answers."""

    def __iter__(self) -> Iterator[Any]:
        """Walk through the documents."""
        ...

    def sort(self, key: Any) -> Documents:
        """Order the documents by a field, ascending."""
        ...


class Collection(Protocol):
    """A collection of the target."""

    def find(self, *args: Any, **kwargs: Any) -> Documents:
        """Query the documents."""
        ...

    def find_one(self, *args: Any, **kwargs: Any) -> Any:
        """Return one document, or None."""
        ...

    def estimated_document_count(self) -> int:
        """Return the collection's own count, without reading it."""
        ...


class Database(Protocol):
    """A database of the target."""

    def __getitem__(self, name: str) -> Collection:
        """Return a collection."""
        ...
