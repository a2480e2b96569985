"""Runs cdc's command-line until it has written so many times to MongoDB; then it dies, or stops."""

from __future__ import annotations

import os
import signal
from typing import Final, NoReturn

from pymongo import monitoring
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from cdc import cli
from cdc.writers import stream_removal

AFTER: Final = "TEST_AFTER_WRITE"
"""`N:SIGNAL`: it sends itself the signal once the Nth write was answered.

It never stops between a renewal of the lease and a drop, which no transaction can hold.
"""

HELD: Final = "TEST_HELD_SECONDS"
"""How long a removal holds the stream."""

WRITES: Final = {"update", "delete", "drop", "insert", "findAndModify", "commitTransaction"}


class _AfterWrites(CommandListener):
    def __init__(self, count: int, number: signal.Signals) -> None:
        self._left = count
        self._number = number
        self._is_counted = True

    def started(self, event: CommandStartedEvent) -> None:
        in_transaction = "autocommit" in event.command
        is_renewal = event.command_name == "update" and not in_transaction
        self._is_counted = self._number != signal.SIGSTOP or not is_renewal

    def failed(self, event: CommandFailedEvent) -> None: ...

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._left -= event.command_name in WRITES and self._is_counted
        if self._left == 0:
            self._left = -1
            os.kill(os.getpid(), self._number)


def main() -> NoReturn:
    """Run the command-line."""
    if order := os.environ.get(AFTER):
        count, _, name = order.partition(":")
        monitoring.register(_AfterWrites(int(count), signal.Signals[name]))
    if held := os.environ.get(HELD):
        vars(stream_removal).update(HELD_SECONDS=float(held))
    cli.main()
