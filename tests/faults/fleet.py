"""The daemons of one stream: kept running as a service manager does, and judged as they end."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path
from typing import Final

from cdc.writers.observer import WriteStep
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.stream import Stream
from tests.faults.checkers import Violations, judge_end, judge_memory

MEMORY_MEGABYTES: Final = 400.0
"""The most that a daemon may take: twice what the limits of a batch and of reading ahead hold."""

LOOK_SECONDS: Final = 0.1


class Fleet:
    """So many places for a daemon; one that ends is started again."""

    def __init__(self, stream: Stream, count: int, violated: Violations) -> None:
        self._stream = stream
        self._violated = violated
        self._places: list[Daemon | None] = [None] * count
        self._faults: list[str] = []
        self._wanted = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.started = 0
        self.peak_megabytes = 0.0

    def begin(self) -> None:
        """Start the daemons, and whatever ends from now on."""
        self._wanted = True
        self._thread.start()

    def end(self) -> None:
        """Stop all, as an operator does."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            for each in filter(None, self._places):
                each.send(signal.SIGCONT)
                each.send(signal.SIGTERM)
            for each in filter(None, self._places):
                self._judge(each)

    def running(self) -> list[Daemon]:
        """Return those that run."""
        with self._lock:
            return [each for each in self._places if each is not None and each.running]

    def die_at(self, step: WriteStep, times: int) -> None:
        """Have the daemon that is started next die when it is at a step for the nth time."""
        self._faults.append(f"{step.value}:{times}")

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with self._lock:
                for place, each in enumerate(self._places):
                    if each is not None:
                        self._measure(each.pid)
                    if each is None or not each.running:
                        if each is not None:
                            self._judge(each)
                        fault = self._faults.pop() if self._faults else ""
                        self._places[place] = self._stream.start(fault=fault)
                        self.started += 1

    def _judge(self, daemon: Daemon) -> None:
        judge_end(daemon.wait(), daemon.log, daemon.stderr, self._violated)

    def _measure(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has ended
            return
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            peak = int(found[1]) / 1024
            if peak > self.peak_megabytes:
                self.peak_megabytes = peak
                judge_memory(peak, MEMORY_MEGABYTES, self._violated)
