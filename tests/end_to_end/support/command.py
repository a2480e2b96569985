"""Runs one command of cdc, and captures its output."""

from __future__ import annotations

import signal
from itertools import count

from tests.end_to_end.support.nursery import CDC, FAULTY, nursery
from tests.end_to_end.support.stream import LEDGER_NAME, Stream
from tests.support.faults import LEDGER

ENDS_WITHIN_SECONDS = 120
_numbers = count(1)


class Command:
    """`cdc …` on a stream's configuration."""

    def __init__(self, stream: Stream, *arguments: str, ledger: bool = False) -> None:
        """With `ledger` what it applies, in place of a daemon, is noted there as a daemon does."""
        number = next(_numbers)
        self._log = stream.config.with_name(f"command-{number}.log")
        self._output = stream.config.with_name(f"command-{number}.out")
        self._process = nursery().start(
            [*arguments, "--config", str(stream.config)],
            log=self._log,
            environment={LEDGER: LEDGER_NAME} if ledger else {},
            output=self._output,
            program=FAULTY if ledger else CDC,
        )

    @property
    def stdout(self) -> str:
        return self._output.read_text()

    @property
    def stderr(self) -> str:
        return self._log.read_text()

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    @property
    def returncode(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(ENDS_WITHIN_SECONDS)

    def wait(self, within_seconds: float = ENDS_WITHIN_SECONDS) -> None:
        """Wait for its own end."""
        self._process.wait(within_seconds)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self.wait()


def cdc(
    stream: Stream,
    *arguments: str,
    ledger: bool = False,
    within_seconds: float = ENDS_WITHIN_SECONDS,
) -> Command:
    """Run a command to its end."""
    command = Command(stream, *arguments, ledger=ledger)
    command.wait(within_seconds)
    return command
