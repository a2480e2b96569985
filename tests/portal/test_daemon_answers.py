"""What the portal makes of answers that are no daemon's, or those of another version."""

from __future__ import annotations

import copy
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from threading import Event, Thread
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import override_settings

from portal.dashboards.replication import daemon
from portal.dashboards.replication.route import route
from portal.dashboards.replication.verdict import verdict
from portal.dashboards.replication.views import PARTS, Stored

HEAD = b"HTTP/1.1 200 OK\r\n"
EVERY_SECONDS = 0.2


def whole(body: bytes) -> bytes:
    """The answer with this body."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def answering(content: bytes, *, drop_by_drop: bool = False, ready: bytes = b"") -> Iterator[None]:
    """Somebody who sends this to whoever connects; drop by drop it then goes on for ever.

    `ready` is sent to who asks for `/readyz`.
    """
    done = Event()

    def serve() -> None:
        while not done.is_set():
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(1 << 16)
                try:
                    if ready and b"/readyz" in asked:
                        connection.sendall(ready)
                        continue
                    connection.sendall(content)
                    while drop_by_drop and not done.wait(EVERY_SECONDS):
                        connection.sendall(b"x")
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = Thread(target=serve)
        thread.start()
        try:
            url = f"http://127.0.0.1:{port}/status"
            with override_settings(CDC_STATUS_URL=url, CDC_NAME="twitter"):
                yield
        finally:
            done.set()
            socket.create_connection(("127.0.0.1", port)).close()  # what it waits for
            thread.join()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"<html>",
        b"[" * 200_000,
        b'{"stream": ' * 100_000,
        b'{"stream": "twitter", "lag_seconds": NaN}',
        b'{"stream": "' + b"x" * (2 << 20) + b'"}',
    ],
)
def test_what_is_no_status_is_no_daemon(body: bytes) -> None:
    with answering(whole(body)):
        answer = daemon.ask()

    assert answer.is_silent
    assert answer.problem.endswith("is no cdc daemon")


@pytest.mark.parametrize(
    "head", [HEAD + b"X-Header: ", HEAD + b"\r\n", HEAD + b"Content-Length: 99\r\n\r\n"]
)
def test_an_answer_that_comes_drop_by_drop_is_cut_off(head: bytes) -> None:
    with answering(head, drop_by_drop=True):
        started = time.monotonic()
        answer = daemon.ask()
        took = time.monotonic() - started

    assert answer.is_silent
    assert took < 20  # 2.5 seconds, and the rest for a busy machine; it would go on for ever


def test_a_daemon_of_another_version_is_told_as_such() -> None:
    body = b'{"stream": "twitter", "state": "active"}'

    with answering(whole(body)):
        answer = daemon.ask()

    assert answer.is_silent
    assert "is of another version than the portal: it does not tell" in answer.problem
    assert "lag_seconds" in answer.problem


STATUS: dict[str, Any] = {
    "stream": "twitter",
    "state": "active",
    "lag_seconds": 0.0,
    "transactions_behind": 0,
    "bytes_behind": 0,
    "binlog_headroom_bytes": 0,
    "active": {"host": "a", "pid": 7},
    "source": {"host": "b", "error": None},
    "target": {"error": None},
    "copying": {"tables": [{"rows": 1}]},
    "process": {
        "stream": "twitter",
        "role": "active",
        "role_seconds": 0.2,
        "reconnects": {"source": 0, "target": 0},
        "waiting": {"operations": 0},
        "applied": {"operations": 3},
        "per_second": {"operations": 0.1, "transactions": 0.0},
        "trouble": {"source": {"seconds": 1.5, "error": "lost"}, "target": None},
    },
}
"""A status of the daemon's, as far as the pages rely on it."""

GONE: Any = object()
ODD: list[Any] = [None, "x", [], {}, {"a": 1}, [1], True, -1, inf, 10**400]


def places(facts: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each fact, and of each part of one."""
    if path:
        yield path
    inner: Any = enumerate(facts) if isinstance(facts, list) else ()
    for name, value in facts.items() if isinstance(facts, dict) else inner:
        yield from places(value, (*path, name))


@pytest.mark.parametrize("path", [*places(STATUS)], ids=lambda path: ".".join(map(str, path)))
def test_any_fact_may_be_missing_or_odd_and_the_page_is_shown(path: tuple[Any, ...]) -> None:
    for odd in [GONE, *ODD]:
        facts = copy.deepcopy(STATUS)
        place = facts
        for name in path[:-1]:
            place = place[name]
        if odd is GONE:
            del place[path[-1]]
        else:
            place[path[-1]] = odd
        body = json.dumps(facts).replace("Infinity", "1e999").encode()

        with answering(whole(body)):
            answer = daemon.ask()

        seen = {
            "answer": answer,
            "status": answer.status,
            "process": answer.process,
            "verdict": verdict(answer, None),
            "route": route(answer, reads_mongodb=False),
            "stored": Stored(),
        }
        for part in PARTS:
            render_to_string(f"dashboards/replication/{part}.html", seen)


@pytest.mark.parametrize("body", [b"{}", b'{"process": [1]}', b'{"process": "x"}'])
def test_what_is_ready_without_a_process_is_no_daemon(body: bytes) -> None:
    with answering(HEAD, drop_by_drop=True, ready=whole(body)):
        answer = daemon.ask()

    assert answer.is_silent
    assert answer.problem.endswith("is no cdc daemon")
