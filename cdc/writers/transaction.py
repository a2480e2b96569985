"""Runs one MongoDB transaction: it commits unless its block fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, InvalidOperation, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.errors import StaleConnection
from cdc.retry import let_go
from cdc.writers.concerns import MAJORITY

T = TypeVar("T")

TRIES: Final = 5
"""The most attempts at a transaction in a row that conflicts."""

ABORT_SECONDS: Final = 1.0
"""The limit of an abort: the server also finds out by itself."""


@contextmanager
def committed(session: ClientSession, concern: WriteConcern = MAJORITY) -> Iterator[ClientSession]:
    """Commit what the block does in `session`, or abort it if the block raises.

    If the commit itself raises, it may still have landed. `concern` says who has it then. Raises
    StaleConnection if the driver keeps a connection whose handshake met a member that was neither
    primary nor secondary, as while it is elected: to it that member never learns of sessions.
    """
    session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=concern)
    try:
        yield session
    except ConfigurationError as error:
        _abort(session)
        raise StaleConnection(str(error)) from error
    except BaseException:
        _abort(session)
        raise
    session.commit_transaction()


def repeated(attempt: Callable[[], T], may_pass: Callable[[OperationFailure], bool]) -> T:
    """Return what `attempt` does: it is made again at once, up to `TRIES` in all, if that may help.

    `may_pass` judges the error, of which each is known to have aborted the attempt's transaction.
    """
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except OperationFailure as error:
            if not may_pass(error):
                raise
            let_go(error)
    return attempt()


def committed_if_any(
    session: ClientSession | None,
) -> AbstractContextManager[ClientSession | None]:
    """Run `committed` if there is a session; do nothing for a target without transactions."""
    return nullcontext() if session is None else committed(session)


def _abort(session: ClientSession) -> None:
    try:
        with pymongo.timeout(ABORT_SECONDS):
            session.abort_transaction()
    except (InvalidOperation, PyMongoError) as error:
        let_go(error)  # the server aborts it when the session's next transaction begins
