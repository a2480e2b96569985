"""The author as whom an account writes."""

from __future__ import annotations

from django.db import transaction

from portal.accounts.models import User
from portal.tweets.models import SCREEN_NAME_CHARACTERS, Author


def author_of(account: User) -> Author:
    """Return the account's author; made now, if it never wrote."""
    if account.author is None:
        account.author = _made(account)
    return account.author


@transaction.atomic
def _made(account: User) -> Author:
    """Make the author; of two requests at once, the second finds what the first made."""
    locked = User.objects.select_for_update().get(pk=account.pk)
    if locked.author is None:
        locked.author = Author.objects.create(
            screen_name=_free_name(account), name=account.get_full_name() or account.username
        )
        locked.save(update_fields=["author"])
    return locked.author


def _free_name(account: User) -> str:
    """Return its username; with its number where somebody of the dataset has that already."""
    if not Author.objects.filter(screen_name=account.username).exists():
        return account.username
    number = f"_{account.pk}"
    return account.username[: SCREEN_NAME_CHARACTERS - len(number)] + number
