"""Who a visitor says to be, and where the request comes from, as guesses are counted."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

_NAME_CHARACTERS = 255  # of the column that guesses are counted in; no account's name is as long
_HOST_BITS = 64


def username(request: HttpRequest, credentials: Mapping[str, str] | None = None) -> str:
    """Return the name that somebody tries to log in with, cut to what can be stored.

    Django's login form tells browsers how long a name may be, and does not check it.
    """
    said = (credentials or request.POST).get("username") or ""
    return said[:_NAME_CHARACTERS]


def address(request: HttpRequest) -> str:
    """Return where the visitor comes from; behind a proxy what the proxy saw.

    Each proxy appends what it saw: only the last word is the own proxy's, the others are told by
    the visitor. A word that is no address is not believed.
    """
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    seen = str(request.META.get("REMOTE_ADDR", ""))
    return (_counted(told) if settings.BEHIND_PROXY else None) or _counted(seen) or seen


def _counted(word: str) -> str | None:
    """Return what is counted for an address, None for what is none.

    Of IPv6 everybody has 2^64 addresses, by RFC 6177: that network counts as one visitor.
    """
    try:
        found = ip_address(word)
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> _HOST_BITS << _HOST_BITS))
