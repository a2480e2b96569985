"""What the portal makes of answers that are no daemon's, or those of another version."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from django.test import override_settings

from portal.dashboards.replication import daemon

HEAD = b"HTTP/1.1 200 OK\r\n"
EVERY_SECONDS = 0.2


@contextmanager
def answering(content: bytes, *, drop_by_drop: bool = False) -> Iterator[None]:
    """Somebody who sends this to whoever connects; drop by drop it then goes on for ever."""
    done = Event()

    def serve() -> None:
        while not done.is_set():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                try:
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
    with answering(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body):
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

    with answering(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body):
        answer = daemon.ask()

    assert answer.is_silent
    assert "is of another version than the portal: it does not tell" in answer.problem
    assert "lag_seconds" in answer.problem
