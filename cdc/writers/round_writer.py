"""Writes rounds: full batches by several lanes at once, or what is left of one by nobody.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import structlog
from pymongo.client_session import ClientSession

from cdc.model.batch import Batch
from cdc.writers.commands import Command
from cdc.writers.hold import Hold
from cdc.writers.lanes import Lanes, RoundFailed
from cdc.writers.observer import LaneStep, WriteObserver
from cdc.writers.rounds import Part
from cdc.writers.sharding import Sharding
from cdc.writers.stats import WriterCounters
from cdc.writers.strategy import WriteDecider
from cdc.writers.stream_state import AlreadyLanded, StreamState
from cdc.writers.target_retry import TargetRetry

log = structlog.get_logger(__name__)


class RoundWriter:
    """Writes one stream's rounds, in the thread of its writer."""

    def __init__(
        self,
        lanes: Lanes,
        state: StreamState,
        hold: Hold,
        retry: TargetRetry,
        counters: WriterCounters,
        observer: WriteObserver,
    ) -> None:
        """Write by `lanes`; all else is the writer's own."""
        self._lanes = lanes
        self._state = state
        self._hold = hold
        self._retry = retry
        self._counters = counters
        self._observer = observer

    def forget(self) -> None:
        """Forget the lanes of an earlier takeover, which has closed them."""
        self._lanes.forget()

    def close(self) -> None:
        """End the lanes' threads and sessions."""
        self._lanes.close()

    def write(
        self, batch: Batch, decider: WriteDecider, session: ClientSession, sharding: Sharding
    ) -> bool:
        """Write a batch and its checkpoint as a round; return whether all of it has landed.

        If the batch can be no round, nothing has. If it is one that failed, `StreamState.done` says
        what has. `session` is the stream's: rounds come behind what it knows of. Raises Fenced,
        RolledBack, StateMissing; Stopped.
        """
        if not batch.is_filled or (self._state.has_lanes and not self._are_attended()):
            return False  # before it is cut, for nobody
        parts = self._retry.run(partial(self._lanes.parts, batch))
        if parts is None:
            return False
        if not self._state.has_lanes:
            self._retry.run(partial(self._make_lanes, session))
            if not self._are_attended():
                return False
        self._hold.settle()
        self._hold.renew_in_time()
        began = time.monotonic()
        try:
            commands = self._lanes.write(
                decider.begin(batch), parts, sharding, behind=session, meanwhile=self._keep
            )
        except RoundFailed as failure:
            log.info("round_failed", error=str(failure), position=str(batch.checkpoint.position))
            self._retry.run(self._state.close_lanes)
            self._lanes.forget()
            self._counters.round_ended("in_turn")
            self._count_landed(parts, failure.commands, time.monotonic() - began)
            return False
        self._retry.run(partial(self._close, batch, session))
        self._state.landed()
        self._hold.durability.settled()
        self._counters.round_ended("landed")
        sent = [command for each in commands for command in each]
        self._counters.applied(batch, sent, time.monotonic() - began)
        return True

    def _are_attended(self) -> bool:
        attended = self._counters.lanes_attended = self._retry.run(self._lanes.are_attended)
        return attended

    def _make_lanes(self, session: ClientSession) -> None:
        with suppress(AlreadyLanded):
            self._lanes.make(session)
        self._state.landed()

    def _keep(self) -> None:
        """Keep the stream while its lanes write."""
        self._retry.tick()
        self._hold.renew_in_time()

    def _close(self, batch: Batch, session: ClientSession) -> None:
        """Save the checkpoint behind a round, in no transaction."""
        self._observer.reached(LaneStep.BEFORE_CLOSE)
        with self._hold.attempt(), suppress(AlreadyLanded):
            self._state.save_checkpoint(batch.checkpoint, batch.committed_at, session)

    def _count_landed(
        self, parts: Sequence[Part], commands: Sequence[Sequence[Command]], seconds: float
    ) -> None:
        """Count the parts of a failed round that have landed all the same."""
        for part, sent in zip(parts, commands, strict=True):
            if all(map(self._state.done.contains, part.note.spans)):
                self._counters.applied(part.batch, sent, seconds)
