"""The portal beside the demo: run as a program where this checkout has it, never imported."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import cdc
from cdc_sandbox.demo.folder import CONFIG_NAME, STREAM
from cdc_sandbox.demo.schema import SCHEMA
from cdc_sandbox.demo.supervised import ProgramFailed, Supervised
from cdc_sandbox.servers import MongoServer, MySQLServer
from cdc_sandbox.servers.ports import LOOPBACK, free_port

_CHECKOUT = Path(cdc.__file__).parents[1]
_MANAGE = _CHECKOUT / "portal" / "manage.py"
_READY_SECONDS = 60
_POLL_SECONDS = 0.1


class PortalFailed(ProgramFailed):
    """The portal did not do what was asked of it."""


class Portal(Supervised):
    """The portal's own commands, and its pages by gunicorn."""

    failure = PortalFailed

    def __init__(
        self, folder: Path, source: MySQLServer, target: MongoServer, *, status_url: str
    ) -> None:
        """Take the servers that it works on and where the daemon tells its state.

        `folder` is the demo's, with the daemon's configuration.
        """
        self.port = free_port()
        self._environment = os.environ | _settings(source, target, status_url)
        self._environment["PORTAL_CDC_CONFIG"] = str(folder / CONFIG_NAME)
        super().__init__("the portal", folder, _gunicorn(self.port), folder / "portal.log")

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self.port}/"

    def migrate(self) -> None:
        """Make the replicated tables, and its own."""
        self._manage("migrate", "--verbosity=0", "--no-input")

    def create_demo_users(self) -> list[str]:
        """Make the accounts of the demo; lines that tell how to log in."""
        return self._manage("create_demo_users").splitlines()

    def serve(self) -> None:
        """Start it and wait until it answers; PortalFailed if it does not."""
        self.start(self._environment)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            self.check()
            if time.monotonic() > deadline:
                raise self._failed(f"did not answer within {_READY_SECONDS} s")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}login/", timeout=_READY_SECONDS):
                return True
        except urllib.error.HTTPError as error:
            raise self._failed(f"answers with {error.code}") from error
        except OSError:
            return False

    def _manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(_MANAGE), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for the demo, which ends by itself
        )
        if done.returncode != 0:
            raise PortalFailed(f"the portal's `{words[0]}` failed:\n{done.stderr.strip()}")
        return done.stdout


def is_there() -> bool:
    """Return whether this is a checkout that has the portal, with what it needs installed."""
    return _MANAGE.is_file() and all(find_spec(name) for name in ("django", "axes", "gunicorn"))


def mappings() -> list[Path]:
    """Return the mappings of the portal's own tables."""
    return sorted((_MANAGE.parent / "mappings").glob("*.yaml"))


def _gunicorn(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "portal.wsgi", f"--chdir={_CHECKOUT}"),
        *(f"--bind={LOOPBACK}:{port}", "--threads=4", "--graceful-timeout=5"),
        *("--log-level=warning", "--no-control-socket"),
    ]


def _settings(source: MySQLServer, target: MongoServer, status_url: str) -> dict[str, str]:
    account = f"{quote(source.user, safe='')}:{quote(source.password, safe='')}"
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(50),
        "PORTAL_ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "PORTAL_HTTPS": "0",
        "PORTAL_DATABASE_URL": f"mysql://{account}@{source.host}:{source.port}/{SCHEMA}",
        "PORTAL_MONGODB_URI": target.uri,
        "PORTAL_MONGODB_DATABASE": SCHEMA,
        "PORTAL_CDC_STATUS_URL": status_url,
        "PORTAL_CDC_NAME": STREAM,
    }
