"""Somebody in front of the portal: a browser's window, and what the browser complained of."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from portal.accounts.models import User
from tests.support.checkout import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
DESKTOP, PHONE = 1280, 360
PATIENCE_MILLISECONDS = 60_000
"""Of an expectation, too: five seconds, its default, are short on a busy machine."""
_HEIGHTS = {DESKTOP: 800, PHONE: 640}
_ABORTED = "net::ERR_ABORTED"  # the page was left while it asked for something


class Visitor:
    """One visitor; `complaints` are those of the browser, which a good page gives no reason for."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = DESKTOP,
        dark: bool = False,
        scripts: bool = True,
    ) -> None:
        self.complaints: list[str] = []
        self._url = url
        self._look = f"{'dark' if dark else 'light'}-{width}"
        self._context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": _HEIGHTS[width]},
            color_scheme="dark" if dark else "light",
            is_mobile=width == PHONE,
            has_touch=width == PHONE,
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        self._context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page = self._context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._request)
        self.page.on("requestfailed", self._request_failed)

    def enter_as(self, account: User) -> None:
        """Be logged in, without going through the form."""
        client = Client()
        client.force_login(account)
        session = client.cookies["sessionid"].value
        self._context.add_cookies([{"name": "sessionid", "value": session, "url": self._url}])

    def open(self, path: str, *, status: int = 200) -> Page:
        """Go to a page of the portal, and return it once it has what it comes with."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status
        return self.page

    def open_refused(self, path: str, *, status: int) -> Page:
        """Go to a page that is answered with an error, of which the browser complains rightly."""
        page = self.open(path, status=status)
        assert len(self.complaints) == 1
        assert f"a status of {status}" in self.complaints.pop()
        return page

    def keep_picture(self, name: str) -> None:
        """Write what the whole page looks like."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self._look}.png", full_page=True)

    def close(self) -> None:
        self._context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(
            self._url
        ):
            self.complaints.append(f"{self.page.url} asks elsewhere: {request.url}")

    def _request_failed(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")


Visit = Callable[..., Visitor]
"""The fixture `visit`: creates a visitor, logged in as an account or not."""
