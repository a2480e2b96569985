"""Sends one notice to the webhook, once."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from cdc import DISTRIBUTION
from cdc.config.notify import NotifyConfig
from cdc.errors import CdcError
from cdc.model.notice import Notice

BODY_VERSION: Final = 1
SIGNATURE: Final = "Cdc-Signature"

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
MOST_CHARACTERS: Final = 2_000
"""The longest text in a body: an error may quote a statement."""

_PASSING: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt; one that is `passing` may be repeated."""

    what: str
    taken: bool = False
    passing: bool = False


class Delivery:
    """Posts notices of one stream, on one connection that is kept open."""

    def __init__(self, config: NotifyConfig, stream: str) -> None:
        self._config = config
        self._stream = stream
        self._agent = f"{DISTRIBUTION}/{version(DISTRIBUTION)}"
        self._pool = urllib3.PoolManager(
            num_pools=1,
            retries=False,  # ours are slower, and know when the daemon stops
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
            ssl_context=ssl.create_default_context(),
        )

    def send(self, notice: Notice) -> Answer:
        """Post a notice, signed as of now; redirects are not followed."""
        try:
            body = body_of(notice, self._stream)
            answer = self._pool.request(
                "POST",
                self._config.url.get_secret_value(),
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": self._agent,
                    **signature(body, self._config.read_secret(), at=int(time.time())),
                },
                redirect=False,
                preload_content=False,  # what it says is nothing to us, however long it is
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(self._without_address(error), passing=True)
        except CdcError as error:  # the secret's file
            return Answer(error.message, passing=True)
        except Exception as error:  # noqa: BLE001 - nobody else would notice that the thread ended
            return Answer(f"a defect: {type(error).__name__}")
        answer.close()
        return _judged(answer.status)

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _without_address(self, error: Exception) -> str:
        """Return the error's text; the address may be a secret, but for the host."""
        parts = urlsplit(self._config.url.get_secret_value())
        text = str(error).replace(self._config.url.get_secret_value(), f"{parts.netloc}/…")
        for secret in (parts.query, parts.path):
            if len(secret) > 1:
                text = text.replace(secret, "…")
        return text


def body_of(notice: Notice, stream: str) -> bytes:
    """Return a notice as JSON."""
    return json.dumps(
        {
            "version": BODY_VERSION,
            "id": notice.id,
            "event": notice.event.value,
            "at": notice.at.isoformat(timespec="milliseconds"),
            "stream": stream,
            "host": socket.gethostname(),
            "summary": _short(notice.summary),
            "details": {name: _short(value) for name, value in notice.details.items()},
        },
        ensure_ascii=False,
        default=str,
    ).encode()


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        return f"{value[:MOST_CHARACTERS]}…"
    return value


def signature(body: bytes, secret: bytes, *, at: int) -> dict[str, str]:
    """Return the header that signs a body at a time, in seconds since the epoch; none unsigned."""
    if not secret:
        return {}
    digest = hmac.new(secret, b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return {SIGNATURE: f"t={at},v1={digest}"}


def _judged(status: int) -> Answer:
    try:
        what = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        what = str(status)
    if 200 <= status < 300:
        return Answer(what, taken=True)
    if 300 <= status < 400:
        what += ", and redirects are not followed: write the address that it leads to"
    return Answer(what, passing=status in _PASSING or status >= 500)
