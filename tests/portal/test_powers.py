"""No account of staff becomes mightier by way of another one, or of a group."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import PASSWORD, application, person

flavour = one_flavour

LIST = "/admin/accounts/user/"
NEW_PASSWORD = "another well kept secret 9"


@pytest.fixture
def clerk(client: Client) -> User:
    """Staff who may change and delete accounts and groups, and nothing else; logged in."""
    clerk = person("clerk", Role.TECHNICAL_WORKER, is_staff=True)
    names = ("add_user", "change_user", "delete_user", "view_user", "add_group", "change_group")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(clerk)
    return clerk


def of_all_permissions(*, active: bool = True, by_group: bool = False) -> User:
    mighty = person("mighty", Role.TECHNICAL_WORKER, is_staff=True, is_active=active)
    if by_group:
        group = Group.objects.create(name="all")
        group.permissions.set(Permission.objects.all())
        mighty.groups.add(group)
    else:
        mighty.user_permissions.set(Permission.objects.all())
    return mighty


def post(client: Client, account: User, what: str, **form: str) -> int:
    return client.post(f"{LIST}{account.pk}/{what}/", form).status_code


@pytest.mark.parametrize("by_group", [False, True])
@pytest.mark.parametrize("active", [False, True])
def test_an_account_with_more_permissions_cannot_be_touched(
    client: Client, clerk: User, active: bool, by_group: bool
) -> None:
    mighty = of_all_permissions(active=active, by_group=by_group)
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}

    answers = [
        post(client, mighty, "password", **passwords),
        post(
            client, mighty, "change", username="mighty", email="clerk@example.com", role=clerk.role
        ),
        post(client, mighty, "delete", post="yes"),
    ]

    assert answers == [403, 403, 403]
    mighty.refresh_from_db()
    assert mighty.check_password(PASSWORD)
    assert mighty.email == "mighty@example.com"


def test_an_account_of_another_role_cannot_be_touched(client: Client, clerk: User) -> None:
    boss = person("boss", Role.SENIOR_MANAGEMENT)

    assert post(client, boss, "password", password1=NEW_PASSWORD, password2=NEW_PASSWORD) == 403


@pytest.mark.parametrize("action", ["activate", "deactivate", "delete_selected"])
def test_no_action_on_many_accounts_reaches_it(client: Client, clerk: User, action: str) -> None:
    mighty = of_all_permissions(active=action != "activate")
    ana = person("ana", is_active=action != "activate")
    form = {"action": action, "_selected_action": [mighty.pk, ana.pk], "post": "yes"}

    client.post(LIST, form)

    assert User.objects.get(pk=mighty.pk).is_active == (action != "activate")
    if action != "delete_selected":
        ana.refresh_from_db()
        assert ana.is_active == (action == "activate")


def test_staff_give_no_role_that_is_not_theirs(client: Client, clerk: User) -> None:
    for role in Role:
        client.post(f"{LIST}add/", application(f"a_{role}"[:15], role=role, usable_password="true"))

    roles = set(User.objects.exclude(pk=clerk.pk).values_list("role", flat=True))
    assert roles == {Role.CUSTOMER, Role.TECHNICAL_WORKER}


def test_staff_do_not_change_their_own_role_to_another(client: Client, clerk: User) -> None:
    form = {"username": "clerk", "is_active": "on", "role": Role.SENIOR_MANAGEMENT.value}

    post(client, clerk, "change", **form)

    clerk.refresh_from_db()
    assert clerk.role == Role.TECHNICAL_WORKER


def test_staff_put_no_permissions_into_groups(client: Client, clerk: User) -> None:
    group = Group.objects.create(name="clerks")
    every = list(Permission.objects.values_list("pk", flat=True))
    form = {"name": "clerks", "permissions": every}

    answers = [
        client.post(address, form).status_code
        for address in (f"/admin/auth/group/{group.pk}/change/", "/admin/auth/group/add/")
    ]

    assert answers == [403, 403]
    assert not group.permissions.exists()


def test_an_account_with_no_more_permissions_is_changed(client: Client, clerk: User) -> None:
    ana = person("ana")
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}

    assert post(client, ana, "password", **passwords) == 302

    ana.refresh_from_db()
    assert ana.check_password(NEW_PASSWORD)
