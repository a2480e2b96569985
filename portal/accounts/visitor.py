"""The claimed name and the address of a visitor, for the count of guesses."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

_NAME_CHARACTERS = 255  # of the column that counts guesses; no account's name is as long
_HOST_BITS = 64


def username(request: HttpRequest, credentials: Mapping[str, str] | None = None) -> str:
    """Return the name of a login attempt, cut to the length of its column.

    Django's login form tells browsers the longest name, but does not check it.
    """
    said = (credentials or request.POST).get("username") or ""
    return said[:_NAME_CHARACTERS]


def address(request: HttpRequest) -> str:
    """Return the visitor's address; behind a proxy the one that the proxy saw.

    Each proxy appends what it saw: only the last word is our proxy's, the others are the visitor's
    claims. A word that is no address is ignored.
    """
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    seen = str(request.META.get("REMOTE_ADDR", ""))
    return (_counted(told) if settings.BEHIND_PROXY else None) or _counted(seen) or seen


def _counted(word: str) -> str | None:
    """Return the network that counts for an address; None for a word that is none.

    In IPv6 everybody has 2^64 addresses, by RFC 6177: that network counts as one visitor.
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
