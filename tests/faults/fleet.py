"""The daemons of one stream: kept running as a service manager does, and judged as they end."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cdc.writers.observer import Step
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.halting import HALTED
from tests.end_to_end.support.stream import Stream
from tests.faults.checkers import Violations, judge_end, judge_memory
from tests.support.memory import USUAL_MEGABYTES

LOOK_SECONDS: Final = 0.1

LONGEST_FREEZE_SECONDS: Final = 10.0


def _halted_by(log: Sequence[dict[str, Any]]) -> str:
    """Return the name of the error by which a daemon says that it has stopped."""
    told = [str(each.get("error")) for each in log if each.get("event") == "stopped"]
    return told[-1] if told else ""


class Fleet:
    """So many places for a daemon; one that ends is started again."""

    def __init__(
        self,
        stream: Stream,
        count: int,
        violated: Violations,
        *options: str,
        environment: Mapping[str, str] | None = None,
        ceiling_megabytes: float = USUAL_MEGABYTES,
    ) -> None:
        """`options` and `environment` are those of each one's command.

        None may take more memory than `ceiling_megabytes`.
        """
        self._ceiling_megabytes = ceiling_megabytes
        self._stream = stream
        self._options = options
        self._environment = environment or {}
        self._violated = violated
        self._places: list[Daemon | None] = [None] * count
        self._faults: list[str] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._allowed = frozenset[str]()
        self._held = False
        self._still: dict[int, float] = {}
        """Since when those daemons stand still that do, by their pids."""
        self._frozen_seconds = LONGEST_FREEZE_SECONDS
        self.halted = False
        """Whether a daemon has stopped for a human, by a name that was allowed."""
        self.started = 0
        self.peak_megabytes = 0.0

    def begin(self) -> None:
        """Start the daemons, and whatever ends from now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop all, as an operator does."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            self._stop_all()

    def hold(self) -> None:
        """Stop all, and start none until `release`."""
        with self._lock:
            self._held = True
            self._stop_all()

    def allow(self, *errors: str) -> None:
        """Let daemons halt by these names until `release`; the first that does holds all."""
        self._allowed = frozenset(errors)

    def disallow(self) -> None:
        """Let no daemon halt any more."""
        self._allowed = frozenset()

    def release(self, *errors: str) -> None:
        """Keep daemons running again; none may halt, but by these names."""
        with self._lock:
            self._stop_all()
            self._allowed, self.halted, self._held = frozenset(errors), False, False

    def running(self) -> list[Daemon]:
        """Return those that run."""
        with self._lock:
            return [each for each in self._places if each is not None and each.running]

    def kill_all(self) -> None:
        """Kill all that run."""
        for each in self.running():
            each.send(signal.SIGKILL)

    def die_at(self, step: Step, times: int) -> None:
        """Have the daemon that is started next die when it is at a step for the nth time."""
        self._faults.append(f"{step.value}:{times}")

    def freeze_at(self, step: Step, times: int, seconds: float) -> None:
        """Have it stand still there instead, and go on after so many seconds."""
        self._frozen_seconds = seconds
        self._faults.append(f"{step.value}:{times}:{signal.SIGSTOP.name}")

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with self._lock:
                for place, each in enumerate(self._places):
                    if each is not None:
                        self._look_at(each)
                        if not each.running:
                            self._judge(each)
                            self._places[place] = None
                    if self._places[place] is None and not self._held:
                        fault = self._faults.pop() if self._faults else ""
                        self._places[place] = self._stream.start(
                            *self._options, fault=fault, environment=self._environment
                        )
                        self.started += 1

    def _stop_all(self) -> None:
        """Stop all, as an operator does."""
        for each in filter(None, self._places):
            each.send(signal.SIGCONT)
            each.send(signal.SIGTERM)
        for each in filter(None, self._places):
            self._judge(each)
        self._places = [None] * len(self._places)

    def _judge(self, daemon: Daemon) -> None:
        code, log = daemon.wait(), daemon.log
        if code == HALTED and _halted_by(log) in self._allowed:
            self.halted = self._held = True
            code = 0
        judge_end(code, log, daemon.stderr, self._violated)

    def _look_at(self, daemon: Daemon) -> None:
        """Measure its memory; and have it go on, if it has stood still for long."""
        try:
            status = Path(f"/proc/{daemon.pid}/status").read_text()
        except OSError:  # it has ended
            return
        if not re.search(r"^State:\s+T", status, re.MULTILINE):
            self._still.pop(daemon.pid, None)
        elif time.monotonic() - self._still.setdefault(daemon.pid, time.monotonic()) >= (
            self._frozen_seconds
        ):
            daemon.send(signal.SIGCONT)
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            peak = int(found[1]) / 1024
            if peak > self.peak_megabytes:
                self.peak_megabytes = peak
                judge_memory(peak, self._ceiling_megabytes, self._violated)
