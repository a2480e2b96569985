"""The portal as gunicorn serves it: which word of a request is believed there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from ssl import SSLContext, create_default_context

import pytest

from cdc_sandbox.demo.supervised import Supervised
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from tests.end_to_end.support.certificates import make
from tests.portal.support.deployment import ENVIRONMENT, MANAGE
from tests.support.waiting import eventually

HOST = ENVIRONMENT["PORTAL_ALLOWED_HOSTS"]
SAYING_TLS = (
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Protocol": "ssl"},
    {"X-Forwarded-Ssl": "on"},
)

Ask = Callable[[dict[str, str]], HTTPResponse]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Ask]]:
    """Serve the portal with settings of one's own, and ask it from loopback, as a proxy does."""
    with ExitStack() as closed:

        def started(tls: SSLContext | None = None, **settings: str) -> Ask:
            port = free_port()
            command = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--no-control-socket"]
            command += [f"--chdir={MANAGE.parents[1]}", f"--bind={LOOPBACK}:{port}"]
            gunicorn = Supervised("gunicorn", tmp_path, command, tmp_path / "gunicorn.log")
            closed.enter_context(closing(gunicorn))
            chosen = {"DJANGO_SETTINGS_MODULE": "portal.settings", **ENVIRONMENT, **settings}
            gunicorn.start(os.environ | chosen)
            closed.callback(gunicorn.stop)

            def connected() -> HTTPConnection:
                if tls is None:
                    return HTTPConnection(LOOPBACK, port, timeout=30)
                return HTTPSConnection(LOOPBACK, port, timeout=30, context=tls)

            def ask(headers: dict[str, str]) -> HTTPResponse:
                with closing(connected()) as connection:
                    connection.request("GET", "/login/", headers={"Host": HOST, **headers})
                    return connection.getresponse()

            def answers() -> bool:
                gunicorn.check()
                try:
                    return bool(ask({}).status)
                except OSError:
                    return False

            eventually(answers, waiting_for="gunicorn")
            return ask

        yield started


def test_without_a_proxy_nobody_is_believed_that_tls_was_spoken(
    serve: Callable[..., Ask],
) -> None:
    ask = serve()

    answers = [ask(headers) for headers in SAYING_TLS]

    assert [each.status for each in answers] == [301] * 3
    assert {each.headers["Location"] for each in answers} == {f"https://{HOST}/login/"}


def test_behind_a_proxy_its_own_header_is_believed_and_no_other(
    serve: Callable[..., Ask],
) -> None:
    ask = serve(PORTAL_BEHIND_PROXY="1")

    assert [ask(headers).status for headers in SAYING_TLS] == [200, 301, 301]


def test_a_gunicorn_that_speaks_tls_itself_needs_no_header(
    serve: Callable[..., Ask], tmp_path: Path
) -> None:
    files = make(tmp_path)
    tls = create_default_context(cafile=files.authority)

    ask = serve(tls, GUNICORN_CMD_ARGS=f"--certfile={files.certificate} --keyfile={files.key}")

    assert ask({}).status == 200
    assert ask({"X-Forwarded-Proto": "http"}).status == 200
