"""Asks the daemon how it is: its `/status`, or its `/readyz` where that takes too long.

`/status` asks MySQL and MongoDB, so it is slow just when one of them is away; `/readyz` tells what
the process knows of itself, at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Facts = Mapping[str, Any]

STATUS_SECONDS: Final = 1.5
READY_SECONDS: Final = 1.0
_MOST_BYTES: Final = 1 << 20
_READY_PATH: Final = "readyz"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon said: `status` as docs/observing.md has it, `process` its part of itself.

    Without `status`, `problem` tells why there is none. Without `process` too it is silent.
    """

    status: Facts | None = None
    process: Facts | None = None
    problem: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether it said nothing at all."""
        return self.status is None and self.process is None


def ask() -> Answer:
    """Ask the daemon at `PORTAL_CDC_STATUS_URL`; this takes 2.5 seconds at most."""
    url = urlsplit(settings.CDC_STATUS_URL)
    try:
        status = _get(url, url.path, STATUS_SECONDS)
        return _checked(status.get("stream"), Answer(status, status.get("process")))
    except TimeoutError:
        return _asked_for_less(url)
    except (OSError, HTTPException, ValueError) as error:
        return Answer(problem=_explained(error, url))


def _asked_for_less(url: SplitResult) -> Answer:
    path = url.path.rpartition("/")[0]
    try:
        process = _get(url, f"{path}/{_READY_PATH}", READY_SECONDS).get("process") or {}
    except (OSError, HTTPException, ValueError) as error:
        return Answer(problem=_explained(error, url))
    slow = f"it did not put its state together within {STATUS_SECONDS:g} s"
    return _checked(process.get("stream"), Answer(process=process, problem=slow))


def _get(url: SplitResult, path: str, seconds: float) -> Facts:
    """Return the JSON object at a path, whatever the code beside it: `/readyz` of a standby is 503.

    Raises OSError, HTTPException or ValueError.
    """
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=seconds)
    try:
        connection.request("GET", path or "/")
        facts = json.loads(connection.getresponse().read(_MOST_BYTES))
    finally:
        connection.close()
    if not isinstance(facts, dict):
        raise ValueError("its answer is no JSON object")
    return facts


def _checked(stream: object, answer: Answer) -> Answer:
    """Take no other stream's word for ours."""
    if stream == settings.CDC_NAME:
        return answer
    return Answer(
        problem=f"{settings.CDC_STATUS_URL} tells of the stream {stream}, not of"
        f" {settings.CDC_NAME}: set PORTAL_CDC_NAME or PORTAL_CDC_STATUS_URL"
    )


def _explained(error: Exception, url: SplitResult) -> str:
    """Say in words why nothing came."""
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {url.netloc}"
    if isinstance(error, TimeoutError):
        return f"{url.netloc} accepts connections and says nothing"
    if isinstance(error, OSError):
        return f"{url.netloc} cannot be reached: {error.strerror or error}"
    return f"what answers at {url.netloc} is no cdc daemon"
