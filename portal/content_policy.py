"""Sends browsers the policy of a page's content; from Django 6.0 on it does so itself."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Send the policy of `SECURE_CSP` with every answer: no script or style but the portal's."""
    policy = "; ".join(
        " ".join((directive, *sources)) for directive, sources in settings.SECURE_CSP.items()
    )

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = policy
        return response

    return answer
