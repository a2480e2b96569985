"""Who a visitor says to be, and where the request comes from, as guesses are counted."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

_NAME_CHARACTERS = 255  # of the column that guesses are counted in; no account's name is as long


def username(request: HttpRequest, credentials: Mapping[str, str] | None = None) -> str:
    """Return the name that somebody tries to log in with, cut to what can be stored.

    Django's login form tells browsers how long a name may be, and does not check it.
    """
    said = (credentials or request.POST).get("username") or ""
    return said[:_NAME_CHARACTERS]


def address(request: HttpRequest) -> str:
    """Return the visitor's address; behind a proxy the one that the proxy saw.

    Each proxy appends what it saw: only the last word is the own proxy's, the others are told by
    the visitor. A word that is no address is not believed.
    """
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if settings.BEHIND_PROXY and _is_address(told):
        return told
    return str(request.META.get("REMOTE_ADDR", ""))


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
