"""Waiting until a server answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.runner import Runner

READY_SECONDS = 90  # crash recovery on a busy machine; a healthy start takes one or two
_POLL_SECONDS = 0.05


def until_ready(
    name: str,
    runner: Runner,
    answers: Callable[[], str | None],
    *,
    timeout_seconds: float = READY_SECONDS,
) -> None:
    """Poll until `answers` returns None; it returns the reason while the server is not ready.

    Raise ServerFailed with the end of the server's log if it ends or the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while (reason := answers()) is not None:
        if not runner.running:
            raise ServerFailed(f"{name} ended while starting:\n{runner.log_tail()}")
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"{name} did not answer within {timeout_seconds:g} s: {reason}\n{runner.log_tail()}"
            )
        time.sleep(_POLL_SECONDS)
