"""The HTTP server beside the daemon: /metrics, /healthz, /readyz and /status."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import structlog
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from cdc.config import Config
from cdc.model.telemetry import Role, Telemetry
from cdc.observability import metrics, status
from cdc.observability.cached_probe import CachedProbe
from cdc.observability.lag_history import LagHistory
from cdc.observability.recent import Recent, watched
from cdc.readers.server.status import fetch
from cdc.writers.jobs import failed_jobs

log = structlog.get_logger(__name__)

LISTEN_AGAIN_SECONDS: Final = 5.0
REQUEST_SECONDS: Final = 10

Answer = tuple[int, str, bytes]
_JSON: Final = "application/json"


class Pages:
    """The answers to each path."""

    def __init__(self, config: Config, telemetry: Callable[[], Telemetry], recent: Recent) -> None:
        """`recent` notes each look, so that no page tells of a lag that it does not know."""
        self._config = config
        self._telemetry: Callable[[], Telemetry] = lambda: recent.seen(telemetry())
        self._recent = recent
        source, failed = (
            CachedProbe(lambda: fetch(config.source, telemetry().reading.server)),
            CachedProbe(lambda: failed_jobs(config), keeps=True),
        )
        self._registry = metrics.registry(
            config.name, self._telemetry, source.latest, failed.latest
        )
        self._pages: dict[str, Callable[[], Answer]] = {
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/readyz": self._ready,
            "/readyz?standbyok": self._ready_or_standby,
            "/status": self._status,
            "/status?recent": self._status_recent,
        }

    def answer(self, path: str) -> Answer:
        """Return code, content type and body for a path."""
        page = self._pages.get(path) or self._pages.get(path.partition("?")[0])
        if page is None:
            return _json(404, {"error": "not found", "pages": sorted(self._pages)})
        return page()

    def _metrics(self) -> Answer:
        return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def _health(self) -> Answer:
        """Return whether the pipeline turns: a failed attempt and a standby's check count too."""
        ago = self._telemetry().turned_seconds_ago
        alive = ago < self._config.http.stalled_after_seconds
        return _json(200 if alive else 503, {"alive": alive, "turned_seconds_ago": round(ago, 1)})

    def _ready(self) -> Answer:
        """Return whether it is active and connected to both sides; an applier, to its target."""
        telemetry = self._telemetry()
        return self._readiness(telemetry, ready=telemetry.is_streaming or telemetry.is_applying)

    def _ready_or_standby(self) -> Answer:
        """Return whether it is, or stands by for the one that is active, or has tables copied."""
        telemetry = self._telemetry()
        waits = telemetry.role in (Role.STANDBY, Role.COPYING)
        ready = telemetry.is_streaming or telemetry.is_applying or waits
        return self._readiness(telemetry, ready=ready)

    def _readiness(self, telemetry: Telemetry, *, ready: bool) -> Answer:
        facts = {"ready": ready, "process": status.process(self._config, telemetry)}
        return _json(200 if ready else 503, facts)

    def _status(self) -> Answer:
        return _json(200, status.examine(self._config, self._telemetry()))

    def _status_recent(self) -> Answer:
        """Return what was kept, at once: a side that is away makes the rest of the status slow."""
        return _json(200, {"stream": self._config.name, **self._recent.facts()})


def _json(code: int, facts: dict[str, Any]) -> Answer:
    return code, _JSON, json.dumps(facts, ensure_ascii=False, indent=2).encode() + b"\n"


@contextmanager
def served(
    config: Config, telemetry: Callable[[], Telemetry], lags: LagHistory | None = None
) -> Iterator[None]:
    """Serve the pages while the block runs; retries an address in use, and logs it.

    `lags` are those that the daemon notes as its batches land.
    """
    if config.http.listen == "off":
        yield
        return
    stopping = threading.Event()
    with watched(telemetry, lags or LagHistory()) as recent:
        arguments = (config, Pages(config, telemetry, recent), stopping)
        threading.Thread(target=_serve, args=arguments, name="http", daemon=True).start()
        try:
            yield
        finally:
            stopping.set()


def _serve(config: Config, pages: Pages, stopping: threading.Event) -> None:
    said = False
    while not stopping.is_set():
        try:
            server = _Server(config.http.address, _handler(pages))
        except OSError as error:
            if not said:
                log.warning(
                    "http_unavailable",
                    listen=config.http.listen,
                    error=error.strerror or str(error),
                    remedy="write another http.listen for one of the two that listen there",
                )
            said = True
            stopping.wait(LISTEN_AGAIN_SECONDS)
            continue
        with server:
            host, port = server.server_address[:2]
            log.info("http_listening", host=str(host), port=port)
            threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
            stopping.wait()
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, *_: object) -> None:
        """Log a handler's error, except that a client did not wait."""
        if isinstance(sys.exception(), OSError):
            log.debug("http_not_awaited", error=str(sys.exception()))
        else:
            log.error("http_failed", exc_info=True)


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            code, kind, body = pages.answer(self.path)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: a scrape is no event."""

    return Handler
