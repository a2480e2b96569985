"""A stream's saved state as an operator reads and moves it, beside any daemon."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from pymongo.errors import ConnectionFailure, DuplicateKeyError, PyMongoError

from cdc import lease
from cdc.accepted import is_accepted
from cdc.checkpoint import Checkpoint
from cdc.config import Config
from cdc.errors import LeaseHeld, Retryable
from cdc.lease import Owner
from cdc.mapping.model import Mapping
from cdc.writers import target
from cdc.writers.failures import explained
from cdc.writers.state import StreamState


def read(config: Config) -> dict[str, Any] | None:
    """Return the stream's state document, or None before its first start."""
    with _state(config) as (state, _):
        return state.read()


def has_begun(config: Config) -> bool:
    """Tell whether the stream has a checkpoint; True where the target does not answer that."""
    try:
        return read(config) is not None
    except (Retryable, PyMongoError):
        return True


def accepted(config: Config, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Give those that the stream has made documents by; all where the target does not answer."""
    try:
        state = read(config)
    except (Retryable, PyMongoError):
        return [*mappings]
    return [each for each in mappings if is_accepted(state, each)]


def look(config: Config) -> dict[str, Any] | None:
    """Return the state document with the target's clock as `now`, or None before a first start."""
    try:
        with _state(config) as (state, _):
            return state.look()
    except PyMongoError as error:
        raise explained(error) from error


def holder(config: Config) -> Owner | None:
    """Return the daemon that is active, by the target's clock; None where none is."""
    with _state(config) as (state, _):
        document = state.look()
    return lease.holder(document) if document is not None else None


def move(
    config: Config,
    checkpoint: Checkpoint,
    *,
    mappings: Sequence[dict[str, Any]],
    force: bool = False,
) -> None:
    """Make a stream go on at `checkpoint`.

    `mappings` are those that a stream which does not exist yet begins with. Raises
    LeaseHeld where a daemon is active; with `force` that one is fenced, and stands by: it goes on
    at the new position.
    """
    with _state(config) as (state, client), client.start_session() as session:
        document = state.read()
        if document is None:
            with suppress(DuplicateKeyError):
                state.create(checkpoint, mappings)
            return
        try:
            state.take_over(session, force=force)
        except LeaseHeld as error:
            error.remedy = "stop it first; or add --force: it then goes on at the new position"
            raise
        committed = document.get("committed_at")
        committed_at = committed.timestamp() if isinstance(committed, datetime) else time.time()
        state.advance(checkpoint, committed_at, None)
        state.release()


@contextmanager
def _state(config: Config) -> Iterator[tuple[StreamState, Any]]:
    try:
        with target.connect(config.target) as client:
            yield StreamState(client[config.target.state_database], config.name), client
    except ConnectionFailure as error:
        raise Retryable(
            f"the target cannot be reached: {str(error).partition(', Timeout:')[0]}"
        ) from error
