"""The application of a web server: `gunicorn portal.wsgi`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from ssl import SSLSocket
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

_portal = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request; the connection, or the settings, decide whether it came by TLS.

    gunicorn trusts X-Forwarded-Proto and similar headers from loopback or a Unix socket, so from
    every visitor whose headers a proxy passes on. Here `PORTAL_BEHIND_PROXY` decides.
    """
    if (connection := environ.get("gunicorn.socket")) is not None:
        environ["wsgi.url_scheme"] = "https" if isinstance(connection, SSLSocket) else "http"
    return _portal(environ, start_response)
