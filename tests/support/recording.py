"""Records the commands that a MongoDB client sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

WRITES: Final = frozenset({"insert", "update", "delete"})


class Recorded(NamedTuple):
    """A command as it was sent."""

    database: str
    command: dict[str, Any]

    @property
    def verb(self) -> str:
        """Its name."""
        return next(iter(self.command))

    @property
    def collection(self) -> Any:
        """What its name stands before."""
        return next(iter(self.command.values()))

    @property
    def in_transaction(self) -> bool:
        """Whether it is a part of a transaction."""
        return self.command.get("autocommit") is False

    def without_session(self) -> dict[str, Any]:
        """Return the command without what the driver adds."""
        added = {"lsid", "$db", "$clusterTime", "txnNumber", "autocommit", "startTransaction"}
        return {key: value for key, value in self.command.items() if key not in added}


class Recorder(CommandListener):
    """Keeps each command; `before` is called with one before it is sent."""

    def __init__(self, before: Callable[[Recorded], None] = lambda _: None) -> None:
        self.commands: list[Recorded] = []
        self.before = before

    def started(self, event: CommandStartedEvent) -> None:
        recorded = Recorded(event.database_name, dict(event.command))
        self.commands.append(recorded)
        self.before(recorded)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass

    def writes_to(self, database: str) -> list[Recorded]:
        """Return the writes to a database's collections."""
        return [each for each in self.commands if each.database == database and each.verb in WRITES]
