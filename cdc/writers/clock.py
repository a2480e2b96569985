"""Has a session's next transaction see all that another session knows of, wherever that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from bson import Timestamp
from pymongo.client_session import ClientSession


class Clock(NamedTuple):
    """What a session knows of: the cluster's time, signed, and the time of its last operation."""

    cluster: Mapping[str, Any] | None
    operation: Timestamp | None

    @classmethod
    def of(cls, session: ClientSession) -> Self:
        """Return a session's."""
        return cls(session.cluster_time, session.operation_time)

    def advance(self, session: ClientSession) -> None:
        """Make a session's next transaction see all that is known."""
        if self.cluster is not None:
            session.advance_cluster_time(self.cluster)
        if self.operation is not None:
            session.advance_operation_time(self.operation)
