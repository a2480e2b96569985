"""Who may change whose account: those with all its powers, since a new password gives them."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.accounts.roles import Role

_EVERYBODY_S = frozenset({Role.CUSTOMER.value})
"""The roles that anybody can register with."""


def may_touch(actor: User, account: User) -> bool:
    """Return whether `actor` may change, close or delete the account, or its credentials.

    The credentials are its password and mail address: who may set these can log in as the account.
    """
    if actor.is_superuser:
        return True
    return (
        not account.is_superuser
        and account.role in roles_to_give(actor)
        and _permissions(account) <= _permissions(actor)
    )


def touchable(actor: User, accounts: QuerySet[User]) -> QuerySet[User]:
    """Return the accounts that `actor` may change."""
    if actor.is_superuser:
        return accounts
    return accounts.filter(pk__in=[each.pk for each in accounts if may_touch(actor, each)])


def roles_to_give(actor: User) -> frozenset[str]:
    """Return the roles that `actor` may give: a role opens pages, as a permission does."""
    return frozenset(Role.values) if actor.is_superuser else _EVERYBODY_S | {actor.role}


def _permissions(account: User) -> frozenset[int]:
    """Return the permissions of an account, as if active: closing an account removes none."""
    found = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    return frozenset(found.values_list("pk", flat=True))
