"""A cached probe of a side: callers never wait long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from cdc.errors import CdcError
from cdc.retry import let_go

Seen = TypeVar("Seen")

LOOK_AGAIN_SECONDS: Final = 10.0
"""How long a result is valid: scrapes must not burden either side."""

WITHIN_SECONDS: Final = 2.0
"""The limit of a caller's wait: a scrape that takes 10 s fails in Prometheus."""


class CachedProbe(Generic[Seen]):
    """Probes a side in a thread of its own; may be called from any thread."""

    def __init__(
        self,
        look: Callable[[], Seen],
        clock: Callable[[], float] = time.monotonic,
        *,
        keeps: bool = False,
    ) -> None:
        """`clock` counts seconds.

        With `keeps`, the last result stays valid while a later probe takes long, or fails: for
        facts that must not vanish, and change only when somebody acts.
        """
        self._keeps = keeps
        self._look = look
        self._clock = clock
        self._changed = threading.Condition()
        self._looking = False
        self._looked_at: float | None = None
        self._seen: Seen | None = None

    def latest(self) -> Seen | None:
        """Return a valid or kept result; None if the side does not answer in time."""
        with self._changed:
            if not self._looking and not self._holds():
                self._looking = True
                threading.Thread(target=self._run, name="look", daemon=True).start()
            self._changed.wait_for(lambda: not self._looking, WITHIN_SECONDS)
            return None if self._looking and not self._keeps else self._seen

    def _holds(self) -> bool:
        looked_at = self._looked_at
        return looked_at is not None and self._clock() - looked_at <= LOOK_AGAIN_SECONDS

    def _run(self) -> None:
        seen = self._seen if self._keeps else None
        try:
            seen = self._look()
        except CdcError as error:
            let_go(error)  # cdc_source_connected and cdc_target_connected report it
        finally:
            with self._changed:
                self._seen, self._looked_at, self._looking = seen, self._clock(), False
                self._changed.notify_all()
