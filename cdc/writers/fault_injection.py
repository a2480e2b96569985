"""Switches by which the fault tests make a real daemon die, or prove what it did.

Off unless the environment names them; the daemon logs a warning when one is on.

`CDC_FAULT=POINT[:N]` kills the process, as `kill -9` does, when it reaches POINT for the Nth time;
the points are `FaultPoint`. `CDC_LEDGER=NAME` makes each batch insert one document for each source
transaction into the collection NAME of the state database, `_id` its identity: a transaction that
is applied twice then fails.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import structlog

from cdc.errors import UsageError

log = structlog.get_logger(__name__)


class FaultPoint(Enum):
    """Where in a batch, or in clearing a collection, the process can be made to die."""

    BEFORE_TRANSACTION = "before_transaction"
    AFTER_FIRST_WRITE = "after_first_write"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    IN_PIECE = "in_piece"
    """Documents are taken away, their transaction is not committed."""
    AFTER_PIECE = "after_piece"


@dataclass(slots=True)
class Faults:
    """What is switched on: nothing, by default."""

    point: FaultPoint | None = None
    countdown: int = 0
    ledger: str | None = None
    _reached: int = field(default=0, init=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Faults:
        """Read the switches; ValueError for a point that does not exist."""
        name, _, count = environment.get("CDC_FAULT", "").partition(":")
        point = FaultPoint(name) if name else None
        return cls(point, int(count or 1), environment.get("CDC_LEDGER") or None)

    def reach(self, point: FaultPoint) -> None:
        """Die here if this is the point and the time."""
        if point is not self.point:
            return
        self._reached += 1
        if self._reached == self.countdown:
            print(f"fault: {point.value}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


def switched_faults() -> Faults:
    """Read the switches for a command; UsageError for a point that does not exist."""
    try:
        faults = Faults.from_environment()
    except ValueError as error:
        raise UsageError(f"CDC_FAULT: {error}") from error
    if faults.point or faults.ledger:
        log.warning("faults_are_on", point=str(faults.point), ledger=faults.ledger)
    return faults
