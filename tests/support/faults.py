"""Observers of a writer: one that ends the process at a step, and one that keeps a ledger."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from cdc.model.batch import Batch
from cdc.writers.observer import LaneStep, PublishStep, Step, WriteStep

FAULT = "CDC_FAULT"
"""`STEP[:N[:SIGNAL]]`: the process sends itself a signal, SIGKILL if none is named, when it is at
the step for the Nth time."""

LEDGER = "CDC_LEDGER"
"""Each batch inserts a document for each source transaction into this collection of the state
database, `_id` its identity: a transaction that is applied twice fails.

Where batches are no transactions, they may be repeated: there `identity` holds it."""


TWICE = "applied twice: "
"""What a process writes before a transaction of which the ledger knows."""
DUPLICATE_KEY = 11_000

_STEPS: dict[str, Step] = {each.value: each for each in (*WriteStep, *LaneStep, *PublishStep)}


@dataclass(slots=True)
class Faults:
    """Dies at a step, if one is given, and keeps a ledger, if it has a name."""

    step: Step | None = None
    countdown: int = 1
    signal: signal.Signals = signal.SIGKILL
    ledger: str | None = None
    _reached: int = field(default=0, init=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Faults:
        name, count, sent = (*environment.get(FAULT, "").split(":"), "", "")[:3]
        step = _STEPS[name] if name else None
        number = signal.Signals[sent] if sent else signal.SIGKILL
        return cls(step, int(count or 1), number, environment.get(LEDGER) or None)

    def reached(self, step: Step) -> None:
        if step is not self.step:
            return
        self._reached += 1
        if self._reached == self.countdown:
            print(f"fault: {step.value}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), self.signal)

    def wrote(
        self, batch: Batch, state_database: Database[dict[str, Any]], session: ClientSession | None
    ) -> None:
        if self.ledger is not None and batch.identities:
            name = "_id" if session is not None else "identity"
            entries = [{name: identity} for identity in batch.identities]
            try:
                state_database[self.ledger].insert_many(entries, session=session)
            except BulkWriteError as error:
                for each in (error.details or {}).get("writeErrors", ()):
                    if each["code"] == DUPLICATE_KEY:
                        print(f"{TWICE}{each['keyValue']}", file=sys.stderr, flush=True)
                raise
