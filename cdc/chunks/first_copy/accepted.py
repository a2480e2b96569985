"""Decides which servers a worker reads: those that have all that the copy has seen."""

from __future__ import annotations

from dataclasses import dataclass

from cdc.errors import SourceDiverged, TooEarly
from cdc.model.first_copy import HeldCopy
from cdc.model.position import Position
from cdc.readers.server import position_check, seen
from cdc.readers.server.connection import SourceConnection, is_mariadb


@dataclass(frozen=True, slots=True)
class Accepted:
    """Judges each session of a worker, which may be to another server than the one before."""

    held: HeldCopy
    seen: Position

    def __call__(self, connection: SourceConnection, server: str) -> None:
        """Raise TooEarly for a server that lacks something; the daemon ends if that stays so."""
        try:
            position_check.check_server(self.held.server, server, self.seen)
            seen.require(
                connection, [self.seen], mariadb=is_mariadb(connection), patience_seconds=1
            )
        except SourceDiverged as error:
            raise TooEarly(error.message, position=error.position) from error
