"""The author of an account's tweets."""

from __future__ import annotations

from django.db import transaction

from portal.accounts.models import User
from portal.tweets.models import SCREEN_NAME_CHARACTERS, Author


def author_of(account: User) -> Author:
    """Return the account's author; creates one if it never wrote."""
    if account.author is None:
        account.author = _made(account)
    return account.author


@transaction.atomic
def _made(account: User) -> Author:
    """Create the author; of two simultaneous requests, the second finds the first one's."""
    locked = User.objects.select_for_update().get(pk=account.pk)
    if locked.author is None:
        locked.author = Author.objects.create(
            screen_name=_free_name(account), name=account.get_full_name() or account.username
        )
        locked.save(update_fields=["author"])
    return locked.author


def _free_name(account: User) -> str:
    """Return the username; with the account's number if an author of the dataset has it already."""
    if not Author.objects.filter(screen_name=account.username).exists():
        return account.username
    number = f"_{account.pk}"
    return account.username[: SCREEN_NAME_CHARACTERS - len(number)] + number
