"""Keeps a stream this writer's: its lease is renewed in time, its batches reach a majority in time.

Only the writer's thread calls it, never within a transaction: that locks the state document.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, WTimeoutError
from pymongo.write_concern import WriteConcern

from cdc.writers.durability import Durability
from cdc.writers.stats import WriterCounters
from cdc.writers.stream_state import StreamState
from cdc.writers.target_retry import TargetRetry
from cdc.writers.transaction import committed


class Hold:
    """One writer's hold on its stream, from a takeover on."""

    def __init__(
        self,
        state: StreamState,
        retry: TargetRetry,
        counters: WriterCounters,
        *,
        renew_after_seconds: float,
        renewals: WriteConcern,
    ) -> None:
        """`renew_after_seconds`: the interval of renewals, some in each lease.

        `renewals` says who must have one.
        """
        self._state = state
        self._retry = retry
        self._counters = counters
        self._renew_after_seconds = renew_after_seconds
        self._renewals = renewals
        self._renewed_at = 0.0
        self.durability = Durability()

    def begin(self, *, one_oplog: bool) -> None:
        """Begin behind a takeover; see Durability for `one_oplog`."""
        self.durability.begin(one_oplog=one_oplog)
        self._renewed_at = time.monotonic()

    def keep(self) -> None:
        """Renew the lease, and wait for a majority, if either is due.

        Raises Fenced or StateMissing if the stream is lost, RolledBack if batches are.
        """
        if self.durability.is_due:
            self.settle()
        self.renew_in_time()

    def settle(self) -> None:
        """Wait until a majority has every batch; raises what `keep` does."""
        if self.durability.is_at_risk:
            self._retry.run(self._settle)

    def _settle(self) -> None:
        with self.attempt():
            self._state.settle()
        self.durability.settled()

    def renew_in_time(self) -> None:
        """Renew the lease if it is due; raises Fenced or StateMissing if it is lost."""
        if self._is_renewal_due():
            self._retry.run(self._renew)
            self._renewed_at = time.monotonic()

    def _renew(self) -> None:
        self._state.renew(concern=self._renewals)

    def renew_before_attempt(self, session: ClientSession | None) -> None:
        """Renew the lease if the next attempt may not do it in time: it is slow, or a repeat."""
        is_first = self._counters.connected
        if session is None or (is_first and self._state.is_slow):
            self._renew()
        elif not is_first and self._is_renewal_due():
            with committed(session, self._renewals):  # ends what a lost attempt has left open
                self._state.renew(session)
            self._renewed_at = time.monotonic()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Make an attempt that renews the lease with its first write, if it succeeds.

        Its duration is noted: the lease must outlive the next one.
        """
        began = time.monotonic()
        try:
            yield
        except (ConnectionFailure, WTimeoutError):
            raise  # its duration says nothing about batches
        except BaseException:
            self._state.note_duration(time.monotonic() - began)
            raise
        self._state.note_duration(time.monotonic() - began)
        self._renewed_at = began

    def _is_renewal_due(self) -> bool:
        return time.monotonic() - self._renewed_at >= self._renew_after_seconds
