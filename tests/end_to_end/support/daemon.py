from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.end_to_end.support.nursery import CDC, FAULTY, nursery
from tests.support.waiting import DEADLINE_SECONDS, eventually

ENDS_WITHIN_SECONDS = 90


class Daemon:
    """One `cdc run` process and what it logs."""

    def __init__(
        self, config: Path, log: Path, environment: Mapping[str, str], *options: str
    ) -> None:
        self._log = log
        command = ["run", "--config", str(config), *options]
        self._process = nursery().start(
            command, log=log, environment=environment, program=FAULTY if environment else CDC
        )

    def __repr__(self) -> str:
        state = "running" if self.running else f"ended with {self._process.returncode}"
        return f"<Daemon pid {self.pid} ({state})>"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @property
    def stderr(self) -> str:
        return self._log.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log's finished lines, as data."""
        lines = self.stderr.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]

    def until_logged(
        self, name: str, count: int = 1, timeout_seconds: float = DEADLINE_SECONDS
    ) -> dict[str, Any]:
        """Wait for the `count`th event of this name."""

        def logged() -> dict[str, Any] | None:
            found = self.events(name)
            if len(found) >= count:
                return found[count - 1]
            self.check_alive(waiting_for=name)
            return None

        found = eventually(logged, timeout_seconds, waiting_for=f"event {name}")
        assert found is not None
        return found

    def check_alive(self, *, waiting_for: str) -> None:
        if not self.running:
            raise RuntimeError(f"{self!r} while waiting for {waiting_for}:\n{self.stderr}")

    def wait(self) -> int:
        """Wait for its own end; return the exit code, negative for a signal's number."""
        return self._process.wait(ENDS_WITHIN_SECONDS)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self._process.kill()
        self.wait()
