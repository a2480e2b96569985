"""Applies what was read in chunks, between the stream's batches, once the stream has passed it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from cdc.chunks.windows import Window, Windows
from cdc.dead_letters import Origin
from cdc.errors import CdcError, Defect, TooManyDeadLetters, WriteRefused
from cdc.operations import Operation
from cdc.position import Position
from cdc.retry import Stopped
from cdc.state_writes import StateWrite
from cdc.writers.batch import Batch, MappedTransaction

READ_AHEAD: Final = 2
"""Pieces that may wait: while one is applied, the next is read."""


def _nothing() -> None:
    return None


class Settlement(NamedTuple):
    """What a piece asks of the target in the end; `applied` is called once the target has it."""

    changes: tuple[tuple[str, Sequence[Operation]], ...] = ()
    writes: tuple[StateWrite, ...] = ()
    origins: tuple[Origin, ...] = ()
    applied: Callable[[], None] = _nothing


@dataclass(slots=True, eq=False)
class Piece:
    """What was read of a table in a window, and what is to come of it.

    It is settled once all before `high` is applied; without a window at once. `settle` is called
    then, in the main thread, while nothing else moves the target; it may answer None. `outcome`
    tells whether the piece was applied: False says that the window is void, or that `settle`
    answered None, and it must be read again.
    """

    settle: Callable[[], Settlement | None]
    window: Window | None = None
    high: Position | None = None
    outcome: Future[bool] = field(default_factory=Future)


class Writer(Protocol):
    """Applies batches to the target."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and its checkpoint."""
        ...


class Settler:
    """Takes pieces from the chunk thread and settles them in the main thread, in their order."""

    def __init__(self, windows: Windows, *, nudge: Callable[[], None]) -> None:
        """`nudge` wakes the main thread."""
        self._windows = windows
        self._nudge = nudge
        self._changed = threading.Condition()
        self._waiting: deque[Piece] = deque()
        self._stopped = False

    def submit(self, piece: Piece) -> Future[bool]:
        """Queue a piece, waiting while `READ_AHEAD` others wait. Raises Stopped after `stop`."""
        with self._changed:
            while len(self._waiting) >= READ_AHEAD and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise Stopped
            self._waiting.append(piece)
        self._nudge()
        return piece.outcome

    def give_up(self, pieces: Collection[Piece]) -> None:
        """Have pieces of a window come to their end soon, and wait for it; raises nothing.

        One that is being applied is applied, the others are dropped.
        """
        for piece in pieces:
            if piece.window is not None:
                piece.window.void = True
        self._nudge()
        wait([piece.outcome for piece in pieces])

    def settle(self, writer: Writer) -> None:
        """Apply every piece whose time has come.

        A piece that the target refuses, or that meets a defect of ours, fails alone. Whatever else
        is raised ends the stream: who waits for the piece is told Stopped.
        """
        while (piece := self._due()) is not None:
            try:
                settled = self._settle(piece, writer)
            except (WriteRefused, TooManyDeadLetters, Defect) as error:
                piece.outcome.set_exception(error)
            except BaseException:
                piece.outcome.set_exception(Stopped())
                raise
            else:
                piece.outcome.set_result(settled)

    def _due(self) -> Piece | None:
        with self._changed:
            if not self._waiting or not self._is_due(self._waiting[0]):
                return None
            piece = self._waiting.popleft()
            self._changed.notify_all()
            return piece

    def _is_due(self, piece: Piece) -> bool:
        if piece.window is not None and piece.window.void:
            return True
        return piece.high is None or self._windows.applied.position.contains(piece.high)

    def _settle(self, piece: Piece, writer: Writer) -> bool:
        window = piece.window
        if window is not None:
            self._windows.close(window)
            if window.void:
                return False
        settlement = _settlement(piece)
        if settlement is None:
            return False
        writer.apply(
            Batch(
                (
                    MappedTransaction(
                        "",
                        self._windows.applied,
                        self._windows.committed_at,
                        settlement.changes,
                        writes=settlement.writes,
                        origins=settlement.origins,
                    ),
                )
            )
        )
        settlement.applied()
        return True

    def stop(self) -> None:
        """Drop what waits; may be called from any thread."""
        with self._changed:
            self._stopped = True
            dropped = [*self._waiting]
            self._waiting.clear()
            self._changed.notify_all()
        for piece in dropped:
            piece.outcome.set_exception(Stopped())


def _settlement(piece: Piece) -> Settlement | None:
    try:
        return piece.settle()
    except (CdcError, Stopped):
        raise
    except Exception as error:  # the main thread has a stream to go on with
        raise Defect.of(error) from error
