"""Runs backfill, resync and verify beside one stream: a thread, and the main thread's part."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from cdc.chunks.applier import ChunkApplier, Writer
from cdc.chunks.windows import Windows
from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint


class Worker(Protocol):
    """Works on jobs until it is stopped."""

    def run(self) -> None:
        """Work on jobs until `stop`."""
        ...

    def stop(self) -> None:
        """End `run`; may be called from any thread."""
        ...


class ChunkEngine:
    """Reads tables in chunks in a thread, and applies them in the main thread.

    Only the main thread may call its methods, except `stop` and `void_windows`.
    """

    def __init__(
        self,
        start: Checkpoint,
        writer: Writer,
        *,
        wake: Callable[[], None],
        make_worker: Callable[[Windows, ChunkApplier], Worker],
        may_open: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin at the target's checkpoint `start`; `wake` wakes the main thread.

        `may_open` as in Windows.
        """
        self._writer = writer
        self._wake = wake
        self._windows = Windows(start, may_open)
        self._applier = ChunkApplier(self._windows, wake=wake)
        self._worker = make_worker(self._windows, self._applier)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the thread that looks for jobs."""
        threading.Thread(target=self._run, name="chunks", daemon=True).start()

    def note(self, batch: Batch) -> None:
        """Note a batch that was applied."""
        self._windows.note(batch)

    def apply_due(self) -> None:
        """Apply the chunks that the stream has passed; raises the error that ended the thread."""
        if self._error is not None:
            raise self._error
        self._applier.apply_due(self._writer)

    def void_windows(self) -> None:
        """Make all open windows void, from any thread: chunks not applied are read again."""
        self._windows.void_all()
        self._wake()

    def stop(self) -> None:
        """Stop the thread; may be called from any thread."""
        self._worker.stop()
        self._applier.stop()

    def _run(self) -> None:
        try:
            self._worker.run()
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self._error = error
            self._wake()
