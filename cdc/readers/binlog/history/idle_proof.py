"""Proves the history again and again while a source is idle."""

from __future__ import annotations

import time
from typing import Final

import structlog

from cdc.errors import CdcError, Halted
from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog.history import proof
from cdc.readers.binlog.history.probe import Connect
from cdc.readers.server import position_check

log = structlog.get_logger(__name__)

IDLE_HEARTBEATS: Final = 6
"""After so many heartbeat intervals without a transaction the log is verified again."""


class IdleProof:
    """Verifies that an idle source's log is still the one that is read.

    A server whose log was reset keeps reporting that nothing came after the old one's end.
    """

    def __init__(self, heartbeat_seconds: float) -> None:
        self._after_seconds = IDLE_HEARTBEATS * heartbeat_seconds
        self._proved_at = 0.0

    def proved(self) -> None:
        """Note that the history was proved now."""
        self._proved_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether it was proved long enough ago."""
        return time.monotonic() - self._proved_at > self._after_seconds

    def prove(self, connect: Connect, checkpoint: Checkpoint, *, here: str, mariadb: bool) -> None:
        """Ask the server `here` on another connection; raises what `proof.require_same` does.

        If it cannot be asked, that is only logged: the stream itself holds.
        """
        self.proved()
        try:
            proof.require_same(connect, checkpoint, here=here, mariadb=mariadb)
        except CdcError as error:  # the stream itself holds; who may not log in reads on
            if isinstance(error, Halted) and not isinstance(error, position_check.CannotSend):
                raise
            log.info("history_not_proved", server=here, error=error.message)
        else:
            log.debug("history_proved_again", server=here, position=str(checkpoint.position))
