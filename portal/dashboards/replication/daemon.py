"""Queries the daemon's state: its `/status`, or its `/readyz` if that takes too long.

`/status` queries MySQL and MongoDB, so it is slow just when one of them is away. `/readyz` returns
the process's own state at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from portal.dashboards.replication.facts import Process, Status, lacking

Facts = Mapping[str, Any]

STATUS_SECONDS: Final = 1.5
READY_SECONDS: Final = 1.0
_MOST_BYTES: Final = 1 << 20
_READY_PATH: Final = "readyz"
_RECENT: Final = "recent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The daemon's answer: `status` as in docs/observing.md; `process` is its part about itself.

    Without `status`, `problem` says why there is none. Without `process` too it is silent.
    """

    status: Facts | None = None
    process: Facts | None = None
    problem: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether it gave no answer."""
        return self.status is None and self.process is None


def ask() -> Answer:
    """Query the daemon at `PORTAL_CDC_STATUS_URL`; this takes 2.5 seconds at most."""
    url = urlsplit(settings.CDC_STATUS_URL)
    try:
        status = _get(url, url.path, STATUS_SECONDS)
        return _checked(status.get("stream"), Answer(status, status.get("process")))
    except TimeoutError:
        return _asked_for_less(url)
    except (OSError, HTTPException, ValueError) as error:
        return Answer(problem=_explained(error, url))


def ask_recent() -> Facts:
    """Query what the daemon has kept, `/status?recent`; empty if it gives no answer in a second.

    An older daemon answers with its `/status`, which has none of it.
    """
    url = urlsplit(settings.CDC_STATUS_URL)
    try:
        facts = _get(url, f"{url.path}?{_RECENT}", READY_SECONDS)
    except (OSError, HTTPException, ValueError):
        return {}
    return facts if facts.get("stream") == settings.CDC_NAME else {}


def _asked_for_less(url: SplitResult) -> Answer:
    path = url.path.rpartition("/")[0]
    try:
        process = _get(url, f"{path}/{_READY_PATH}", READY_SECONDS).get("process")
    except (OSError, HTTPException, ValueError) as error:
        return Answer(problem=_explained(error, url))
    if not isinstance(process, dict):
        return Answer(problem=_no_daemon(url))
    slow = f"it did not put its state together within {STATUS_SECONDS:g} s"
    return _checked(process.get("stream"), Answer(process=process, problem=slow))


def _get(url: SplitResult, path: str, seconds: float) -> Facts:
    """Return the JSON object at a path, with any status code: `/readyz` of a standby is 503.

    Raises OSError, HTTPException or ValueError.
    """
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=seconds)
    try:
        connection.connect()
        with _cut_off_after(seconds, connection.sock):
            connection.request("GET", path or "/")
            facts = _parsed(connection.getresponse().read(_MOST_BYTES))
    finally:
        connection.close()
    if not isinstance(facts, dict):
        raise ValueError("its answer is no JSON object")
    return facts


@contextmanager
def _cut_off_after(seconds: float, connection: socket) -> Iterator[None]:
    """End a longer block with TimeoutError: a connection's own timeout is for each packet."""
    late = Event()

    def cut_off() -> None:
        late.set()
        with suppress(OSError):  # it has ended meanwhile
            connection.shutdown(SHUT_RDWR)

    timer = Timer(seconds, cut_off)
    timer.start()
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("its answer nests too deep") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _checked(stream: object, answer: Answer) -> Answer:
    """Reject the answer of another stream, and one that lacks required facts."""
    if stream != settings.CDC_NAME:
        return Answer(
            problem=f"{settings.CDC_STATUS_URL} tells of the stream {str(stream)[:100]}, not of"
            f" {settings.CDC_NAME}: set PORTAL_CDC_NAME or PORTAL_CDC_STATUS_URL"
        )
    if missing := _lacking(answer):
        return Answer(
            problem=f"the daemon at {settings.CDC_STATUS_URL} is of another version than the"
            f" portal: it does not tell {', '.join(missing)}"
        )
    return answer


def _lacking(answer: Answer) -> list[str]:
    if answer.status is not None:
        return lacking(Status, answer.status)
    return lacking(Process, answer.process or {})


def _explained(error: Exception, url: SplitResult) -> str:
    """Return in words why no answer came."""
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {url.netloc}"
    if isinstance(error, TimeoutError):
        return f"{url.netloc} accepts connections and says nothing"
    if isinstance(error, OSError):
        return f"{url.netloc} cannot be reached: {error.strerror or error}"
    return _no_daemon(url)


def _no_daemon(url: SplitResult) -> str:
    return f"what answers at {url.netloc} is no cdc daemon"
