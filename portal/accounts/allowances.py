"""Limits how often an hour somebody may do something, in a table that all processes share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.crypto import salted_hmac

from portal.accounts.models import Allowance

HOUR: Final = timedelta(hours=1)
KEPT: Final = timedelta(hours=1)
"""How long an unused row is kept; its limit is over by then."""

_FORGOTTEN_AT_ONCE: Final = 100


def take(what: str, who: str, *, per_hour: int, now: datetime) -> datetime | None:
    """Use one of so many an hour, 0 for no limit; return None, or when the next one is free.

    All of an hour's may be used at once; each then comes back after its share of the hour. A row
    says until when the uses so far fill the time. It changes only if it is as it was read, so that
    simultaneous uses all count; whoever comes second reads it again.
    """
    if per_hour == 0:
        return None
    share, key = HOUR // per_hour, _key(what, who)
    while True:
        used_until = _used_until(key)
        if used_until is None:
            if _begin(key, now + share):
                _forget_before(now - KEPT)
                return None
        elif (again := used_until + share - HOUR) > now:
            return again
        elif _move(key, used_until, max(used_until, now) + share):
            return None


def _key(what: str, who: str) -> str:
    """Return a key for the two: people's addresses are not stored."""
    return salted_hmac(f"{__name__}.{what}", who, algorithm="sha256").hexdigest()


def _used_until(key: str) -> datetime | None:
    return Allowance.objects.filter(key=key).values_list("used_until", flat=True).first()


def _begin(key: str, used_until: datetime) -> bool:
    return Allowance.objects.get_or_create(key=key, defaults={"used_until": used_until})[1]


def _move(key: str, before: datetime, after: datetime) -> bool:
    return Allowance.objects.filter(key=key, used_until=before).update(used_until=after) == 1


def _forget_before(moment: datetime) -> None:
    """Delete old rows by their keys, as rows are changed: no transaction waits for another."""
    old = Allowance.objects.filter(used_until__lt=moment).values_list("key", flat=True)
    Allowance.objects.filter(key__in=[*old[:_FORGOTTEN_AT_ONCE]]).delete()
