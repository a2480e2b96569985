"""Reads and moves a stream's saved state for operators, beside any daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.errors import ConnectionFailure, DuplicateKeyError, PyMongoError

from cdc.config import Config
from cdc.errors import CdcError, LeaseHeld, UsageError
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.model import lease
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.done import DONE
from cdc.model.first_copy import AHEAD
from cdc.model.job import Job
from cdc.model.lease import Owner
from cdc.model.state_change import StateWrite
from cdc.writers.accepted_mappings import accepted_keys, key_of
from cdc.writers.connection import asking_target
from cdc.writers.errors import explain, explained, unreached
from cdc.writers.jobs import queue_write
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, WriteObserver
from cdc.writers.ranges import require_begun
from cdc.writers.stream_state import StreamState
from cdc.writers.writer import MongoWriter


def read(config: Config) -> dict[str, Any] | None:
    """Return the stream's state document; None before its first start."""
    with _state(config) as (state, _):
        return state.read()


def has_begun(config: Config) -> bool:
    """Return whether the stream has a checkpoint; True if the target does not answer."""
    try:
        return read(config) is not None
    except (CdcError, PyMongoError):
        return True


def accepted(config: Config, mappings: Sequence[TableMapping]) -> list[TableMapping]:
    """Return the mappings that made the stream's documents; all if the target does not answer."""
    try:
        state = read(config)
    except (CdcError, PyMongoError):
        return [*mappings]
    keys = accepted_keys(state)
    return [each for each in mappings if key_of(each) in keys]


def read_with_clock(config: Config) -> dict[str, Any] | None:
    """Return the state document with the target's clock as `now`; None before a first start."""
    try:
        with _state(config) as (state, _):
            return state.read_with_clock()
    except PyMongoError as error:
        raise explain(error) from error


def active_owner(config: Config) -> Owner | None:
    """Return the active daemon, by the target's clock; None if there is none."""
    document = read_with_clock(config)
    return lease.holder(document) if document is not None else None


def set_position(
    config: Config,
    checkpoint: Checkpoint,
    *,
    mappings: Sequence[dict[str, Any]],
    force: bool = False,
    jobs: Sequence[Job] = (),
) -> None:
    """Set a stream to `checkpoint` and queue `jobs` from there on, or do neither.

    `mappings` are those of a stream that does not exist yet; it copies its tables by itself. Raises
    LeaseHeld if a daemon is active. With `force` that daemon is fenced, stands by, and then
    continues at the new position.
    """
    with _state(config) as (state, _):
        if state.read() is None and _is_created(state, checkpoint, mappings):
            return
    forgotten = StateWrite(STREAMS, {"_id": config.name}, {"$unset": {AHEAD: "", DONE: ""}})
    with _owned(config, force=force) as (writer, _):
        writer.apply(_batch(checkpoint, None, jobs, forgotten))


def _is_created(
    state: StreamState, checkpoint: Checkpoint, mappings: Sequence[dict[str, Any]]
) -> bool:
    """Write the first state of a stream; return False if somebody has just done it."""
    with explained():
        try:
            state.create(checkpoint, mappings)
        except DuplicateKeyError:
            state.require_known()
            return False
    return True


def step(
    config: Config,
    before: Checkpoint,
    after: Checkpoint,
    *,
    committed_at: float,
    jobs: Sequence[Job],
    force: bool = False,
    observer: WriteObserver = UNOBSERVED,
) -> None:
    """Move a stream from `before` to `after` and queue `jobs` from there on, or do neither.

    On a standalone target the jobs are queued first. Raises LeaseHeld as `set_position` does, and
    UsageError if the stream is no longer at `before`.
    """
    with _owned(config, force=force, observer=observer) as (writer, taken):
        if taken != before:
            raise UsageError(
                f"the stream has moved meanwhile, from {before.position}: nothing was done",
                remedy="see where it is: cdc position show",
            )
        writer.apply(_batch(after, committed_at, jobs))


def _batch(
    checkpoint: Checkpoint, committed_at: float | None, jobs: Sequence[Job], *others: StateWrite
) -> Batch:
    writes = (*map(queue_write, jobs), *others)
    return Batch((MappedTransaction("", checkpoint, committed_at, writes=writes),))


@contextmanager
def _owned(
    config: Config, *, force: bool, observer: WriteObserver = UNOBSERVED
) -> Iterator[tuple[MongoWriter, Checkpoint | None]]:
    """Yield the writer and the checkpoint, as the stream's only writer meanwhile."""
    with asking_target(config.target) as client:
        writer = MongoWriter(
            client,
            Namespaces.of(config, ()),  # it writes no document
            transactional=config.apply.mode == "exactly_once",
            observer=observer,
        )
        try:
            require_begun(writer.read_state())
            yield writer, writer.take_over(force=force)
        except LeaseHeld as error:
            error.remedy = "stop it first; or add --force: it then goes on at the new position"
            raise
        finally:
            writer.close()


@contextmanager
def _state(config: Config) -> Iterator[tuple[StreamState, Any]]:
    try:
        with asking_target(config.target) as client:
            yield StreamState(client[config.target.state_database], config.name), client
    except ConnectionFailure as error:
        raise unreached(error) from error
