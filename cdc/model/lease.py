"""The lease of a stream: one daemon of a name is active, the others stand by.

The lease stands in the stream's state document: `owner` and `lease_until`, by the target's clock.
Its expiry tells a standby when to try; only the epoch decides who can write. So an error here
cannot harm the data: a wrong answer only costs a needless takeover.

`lease_seconds` stands beside it: how long it lasts from its renewal on. A standby that has seen no
renewal for so long, by its own clock, tries, too: the target's clock may have been set back.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_PROC: Final = Path("/proc")
_ENDED: Final = frozenset("ZX")
"""The states of a process that is dead, though its parent has not read its exit code yet."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds a lease, or held it.

    `instance` is unique. `place` names the boot and the process namespace in which `pid` and
    `started` (in the kernel's ticks) are valid; empty if the system has no /proc.
    """

    host: str
    pid: int
    instance: str
    place: str = ""
    started: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def to_document(self) -> dict[str, Any]:
        """Return it as the stream's state document stores it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Owner:
        """Read what `to_document` wrote."""
        text = {
            name: str(document.get(name) or "") for name in ("host", "instance", "place", "started")
        }
        return cls(pid=int(document.get("pid") or 0), **text)

    def is_gone(self) -> bool:
        """Return whether the process has provably ended: it ran on this host, and is gone."""
        if not self.place or not self.started or self.place != _place():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        state, started = _state_and_start(self.pid)
        return bool(started) and (started != self.started or state in _ENDED)


def this_process() -> Owner:
    """Return the calling process as a new instance."""
    pid = os.getpid()
    _, started = _state_and_start(pid)
    return Owner(socket.gethostname(), pid, uuid.uuid4().hex, _place(), started)


def holder(document: Mapping[str, Any]) -> Owner | None:
    """Return the holder of a live lease; None if there is none, or it has provably ended.

    `document` is the state document with the target's clock beside it, as `now`.
    """
    until = document.get("lease_until")
    if until is None or until <= document["now"]:
        return None
    return _living_owner(document)


class LeaseWatch:
    """Judges leases by what it has seen of them, too, since the target's clock does not suffice.

    It may be set back: a lease that was read again and again, and was not renewed for as long as it
    lasts, has expired whatever that clock says. Where that clock is right, it says so first. And a
    batch may outlast the lease that it commits: one that was renewed since the last look is live,
    though it has ended already.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds; it never goes back."""
        self._clock = clock
        self._seen: dict[Any, tuple[tuple[Any, ...], float]] = {}

    def holder(self, document: Mapping[str, Any]) -> Owner | None:
        """Return what the function `holder` does, by what was seen before, too.

        `document` is as for that, with its `_id`; one without `lease_seconds` never outlives it.
        """
        lease = (document.get("epoch"), document.get("lease_until"))
        if lease[1] is None:
            self._seen.pop(document.get("_id"), None)
            return None
        now = self._clock()
        last, since = self._seen.setdefault(document.get("_id"), (lease, now))
        if last != lease:
            self._seen[document.get("_id")] = lease, now
            return _living_owner(document)
        lasts = document.get("lease_seconds")
        if lasts is not None and now - since > float(lasts):
            return None
        return holder(document)


def _living_owner(document: Mapping[str, Any]) -> Owner | None:
    owner = Owner.from_document(document.get("owner") or {})
    return None if owner.is_gone() else owner


def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return a process's state and start time; empty if they cannot be read.

    Format: proc(5), fields 3 and 22; the program's name before them may hold anything but `)`.
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""
