from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client

from portal.accounts.roles import Role
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import administrator, person
from tests.portal.support.soundness import assert_sound

pytestmark = pytest.mark.usefixtures("target")
flavour = one_flavour

FOR_ALL = ("/login/", "/register/", "/password/reset/", "/password/reset/sent/", "/nowhere/")
FOR_ACCOUNTS = {
    Role.CUSTOMER: ("/timeline/", "/password/", "/password/changed/", "/replication/"),
    Role.TECHNICAL_WORKER: ("/replication/", "/replication/preview/", "/timeline/"),
    Role.SENIOR_MANAGEMENT: ("/figures/", "/timeline/"),
}


@pytest.mark.parametrize("page", FOR_ALL)
def test_pages_for_all_are_sound(client: Client, page: str) -> None:
    assert_sound(client, page)


@pytest.mark.parametrize("role", Role)
def test_pages_of_a_role_are_sound(client: Client, role: Role) -> None:
    client.force_login(person("ana", role))

    for page in FOR_ACCOUNTS[role]:
        assert_sound(client, page)


def test_the_way_to_the_own_page_is_marked_there(client: Client) -> None:
    client.force_login(person("ana"))

    assert '<a href="/timeline/" aria-current="page">Timeline</a>' in _flat(client, "/timeline/")
    assert '<a href="/timeline/">Timeline</a>' in _flat(client, "/password/")
    assert "/admin/" not in _flat(client, "/timeline/")


def test_an_administrator_finds_the_admin(client: Client) -> None:
    client.force_login(administrator())

    assert '<a href="/admin/">Admin</a>' in _flat(client, "/password/")


def test_a_form_from_elsewhere_is_told_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "ana"})

    assert answer.status_code == 403
    assert "Open the page again" in answer.content.decode()


def test_a_mistake_of_ours_is_told_without_a_context() -> None:
    assert "It is our mistake" in render_to_string("500.html")


def _flat(client: Client, page: str) -> str:
    return " ".join(client.get(page).content.decode().split())
