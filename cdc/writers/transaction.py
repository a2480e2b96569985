"""One MongoDB transaction: it commits, at majority, unless what is done in it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import InvalidOperation, PyMongoError
from pymongo.read_concern import ReadConcern

from cdc.retry import let_go
from cdc.writers.stream_state import MAJORITY

ABORT_SECONDS: Final = 1.0
"""How long to try to say that a transaction is given up: the server finds out by itself too."""


@contextmanager
def committed(session: ClientSession) -> Iterator[ClientSession]:
    """Commit what is done in `session` meanwhile, or abort it where that raises.

    What raises from the commit itself may have landed all the same.
    """
    session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=MAJORITY)
    try:
        yield session
    except BaseException:
        _abort(session)
        raise
    session.commit_transaction()


def committed_if_any(
    session: ClientSession | None,
) -> AbstractContextManager[ClientSession | None]:
    """Do the same where there is a session, and nothing where a target has no transactions."""
    return nullcontext() if session is None else committed(session)


def _abort(session: ClientSession) -> None:
    try:
        with pymongo.timeout(ABORT_SECONDS):
            session.abort_transaction()
    except (InvalidOperation, PyMongoError) as error:
        let_go(error)  # the server aborts it when the session's next transaction begins
