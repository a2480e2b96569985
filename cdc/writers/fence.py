"""Holds a stream while something is done to it that no batch does: no daemon writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from cdc.errors import Fenced, LeaseHeld, StateMissing
from cdc.writers.concerns import MAJORITY
from cdc.writers.stream_state import StreamState

Change = Callable[[ClientSession | None], object]


class Fence:
    """Writes only while the stream is ours.

    Each write renews the lease, so that nobody takes the stream over in between, and is in one
    transaction with that, so that a command that was frozen meanwhile writes nothing when it wakes.
    """

    def __init__(self, state: StreamState | None, session: ClientSession | None) -> None:
        """Without `state` there is nothing to hold; without `session` there are no transactions."""
        self._state = state
        self._session = session

    def write(self, change: Change) -> None:
        """Make a change; if it is made again, it has not happened before.

        Raises LeaseHeld if the stream is not ours any more.
        """
        if self._session is None:
            self._renewed(change, None)
            return
        self._session.with_transaction(
            partial(self._renewed, change),
            read_concern=ReadConcern("snapshot"),
            write_concern=MAJORITY,
        )

    def renew(self) -> None:
        """Renew the lease before what no transaction can hold; raises as `write` does."""
        self._renewed(lambda _: None, None)

    def _renewed(self, change: Change, session: ClientSession | None) -> None:
        if self._state is not None:
            try:
                self._state.renew(session)
            except (Fenced, StateMissing) as error:
                raise LeaseHeld(
                    f"the stream {self._state.stream} was taken over meanwhile: {error.message}"
                ) from error
        change(session)
