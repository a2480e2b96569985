"""A receiver of notices on loopback, which answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


TAKEN = status(204)


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def notice(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Webhook:
    """Keeps what it got; `answers` are given first, each once, then `default`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.default: Answer = TAKEN
        self.released = threading.Event()
        """Ends `hang`."""
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.received.append(Received(self.path, dict(self.headers), body))
                answer = webhook.answers.pop(0) if webhook.answers else webhook.default
                answer(self)

            def do_GET(self) -> None:
                """What a redirect that is followed would become."""
                raise AssertionError("nobody gets")

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/a-secret-path"

    @property
    def notices(self) -> list[dict[str, Any]]:
        return [each.notice for each in self.received]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.notices if each["event"] == event]

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing."""
        self.released.wait(60)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer 200 at once, and a body without end."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        while not self.released.wait(0.05):
            handler.wfile.write(b"x")

    def cut(self, handler: BaseHTTPRequestHandler) -> None:
        """Close the connection without an answer."""
        handler.close_connection = True

    @contextmanager
    def serving(self) -> Iterator[Webhook]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()
