"""Where a visitor's request comes from."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str:
    """Return the visitor's address; behind a proxy the one that the proxy saw.

    Each proxy appends what it saw: only the last word is the own proxy's, the others are told by
    the visitor.
    """
    if settings.BEHIND_PROXY and (told := request.headers.get("X-Forwarded-For")):
        return told.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
