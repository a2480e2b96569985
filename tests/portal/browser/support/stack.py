"""All that a page needs: the portal by gunicorn, and the daemon, on servers that run already."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from pymongo import MongoClient

from cdc_sandbox.demo.daemon import Daemon
from cdc_sandbox.demo.supervised import Supervised
from cdc_sandbox.servers import MongoServer, MySQLServer
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from tests.portal.support.database import PASSWORD
from tests.support.checkout import ROOT
from tests.support.waiting import eventually

MAPPINGS = (*ROOT.glob("config/mappings/*.yaml"), *ROOT.glob("portal/mappings/*.yaml"))


class Stack:
    """The portal on a database of its own, and the daemon that replicates it; both can be ended."""

    def __init__(
        self,
        folder: Path,
        source: MySQLServer,
        mongo: MongoServer,
        client: MongoClient[dict[str, Any]],
        *,
        database: str,
    ) -> None:
        """Write the daemon's files; `database` has the portal's tables, an account of its name."""
        self.documents = client[f"{database}_docs"]
        self.state = client[f"{database}_state"]
        self._folder = folder
        self.database = database
        self.source = source
        self._mongo = mongo
        self._portal_port, self._daemon_port = free_port(), free_port()
        self._daemon = Daemon(folder)
        self._portal = Supervised("the portal", folder, self._gunicorn(), folder / "portal.log")
        (folder / "mappings").mkdir()
        for path in MAPPINGS:
            mapping = path.read_text().replace("source: twitter.", f"source: {database}.")
            (folder / "mappings" / path.name).write_text(mapping)
        self._daemon.config.write_text(json.dumps(self._configuration()))

    def __repr__(self) -> str:
        return f"<Stack {self.database!r} ({self._portal}, {self._daemon})>"

    @property
    def url(self) -> str:
        """Where the portal is, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._portal_port}"

    def start(self) -> None:
        """Start both, and wait until pages are answered and rows replicated."""
        self._portal.start(self._environment())
        self._start_daemon()
        eventually(self._answers, waiting_for=f"{self!r} to answer")

    @contextmanager
    def without_daemon(self) -> Iterator[None]:
        """End the daemon as an operator does, for as long as the block lasts."""
        self._daemon.stop()
        yield
        self._start_daemon()

    @contextmanager
    def frozen_daemon(self) -> Iterator[None]:
        """Have the daemon stand still for as long as the block lasts."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self._daemon_port}/status") as answer:
            pid = json.load(answer)["active"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """End both; what they left in the databases goes with the fixtures that made these."""
        with ExitStack() as closed:
            for each in (self._daemon, self._portal):
                closed.enter_context(closing(each))

    def _start_daemon(self) -> None:
        """Start the daemon, and wait until it is ready."""
        self._daemon.close()
        self._daemon = Daemon(self._folder)
        self._daemon.start()
        eventually(self._is_ready, waiting_for=f"{self._daemon} to be ready")

    def _answers(self) -> bool:
        self._portal.check()
        return _answers(f"{self.url}/login/")

    def _is_ready(self) -> bool:
        self._daemon.check()
        return _answers(f"http://{LOOPBACK}:{self._daemon_port}/readyz")

    def _gunicorn(self) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", "portal.wsgi", f"--chdir={ROOT}"),
            *(f"--bind={LOOPBACK}:{self._portal_port}", "--threads=4", "--graceful-timeout=5"),
            *("--log-level=warning", "--no-control-socket"),
        ]

    def _environment(self) -> dict[str, str]:
        source, account = self.source, f"{self.database}:{quote(PASSWORD)}"
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_SECRET_KEY": settings.SECRET_KEY,  # sessions that a test makes are valid here
            "PORTAL_ALLOWED_HOSTS": LOOPBACK,
            "PORTAL_HTTPS": "0",
            "PORTAL_DATABASE_URL": f"mysql://{account}@{source.host}:{source.port}/{self.database}",
            "PORTAL_MONGODB_URI": self._mongo.uri,
            "PORTAL_MONGODB_DATABASE": self.documents.name,
            "PORTAL_MONGODB_STATE_DATABASE": self.state.name,
            "PORTAL_CDC_NAME": self.database,
            "PORTAL_CDC_CONFIG": str(self._daemon.config),
            "PORTAL_CDC_STATUS_URL": f"http://{LOOPBACK}:{self._daemon_port}/status",
        }

    def _configuration(self) -> dict[str, object]:
        return {
            "name": self.database,
            "source": {
                "host": self.source.host,
                "port": self.source.port,
                "user": self.source.user,
                "password": self.source.password,
                "tls": "off",
            },
            "target": {
                "uri": self._mongo.uri,
                "database": self.documents.name,
                "state_database": self.state.name,
            },
            "mappings": ["mappings/*.yaml"],
            "http": {"listen": f"{LOOPBACK}:{self._daemon_port}"},
        }


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (urllib.error.HTTPError, OSError):
        return False
