"""Notifies systemd of the daemon's readiness, liveness and status.

Protocol: sd_notify(3) and sd_watchdog_enabled(3), datagrams to the socket that systemd names.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

from cdc.model.telemetry import Role, Telemetry

log = structlog.get_logger(__name__)

TELL_SECONDS: Final = 1.0
"""The interval of checks: the delay of readiness, and the age of the shown status."""

PINGS_PER_TIMEOUT: Final = 3


@contextmanager
def notify_systemd(
    telemetry: Callable[[], Telemetry],
    *,
    stalled_after_seconds: float,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[None]:
    """Notify while the block runs; do nothing without a service manager.

    A standby is ready, too: it does what it was started for. The watchdog is fed only while the
    daemon has turned within `stalled_after_seconds`, as for /healthz.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    stopping = threading.Event()
    teller = _Teller(address, telemetry, stalled_after_seconds, _ping_seconds(environment))
    threading.Thread(target=teller.run, args=(stopping,), name="notify", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        teller.send("STOPPING=1")


class _Teller:
    def __init__(
        self,
        address: str,
        telemetry: Callable[[], Telemetry],
        stalled_after_seconds: float,
        ping_seconds: float | None,
    ) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._telemetry = telemetry
        self._stalled_after_seconds = stalled_after_seconds
        self._ping_seconds = ping_seconds

    def run(self, stopping: threading.Event) -> None:
        ready = False
        while not stopping.is_set():
            seen = self._telemetry()
            lines = [f"STATUS={_status(seen)}"]
            if not ready and seen.role is not Role.STARTING:
                ready = True
                lines.append("READY=1")
            if self._ping_seconds and seen.turned_seconds_ago < self._stalled_after_seconds:
                lines.append("WATCHDOG=1")
            self.send("\n".join(lines))
            stopping.wait(min(TELL_SECONDS, self._ping_seconds or TELL_SECONDS))

    def send(self, message: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("service_manager_not_told", error=str(error))


def _ping_seconds(environment: Mapping[str, str]) -> float | None:
    """Return how often to feed the watchdog; None if there is none for this process."""
    timeout = environment.get("WATCHDOG_USEC", "")
    if not timeout or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(timeout) / 1_000_000 / PINGS_PER_TIMEOUT


def _status(seen: Telemetry) -> str:
    lag = seen.lag_seconds
    return seen.role.value if lag is None else f"{seen.role.value}, lag {lag:.1f} s"
