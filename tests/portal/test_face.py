from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from portal.accounts.roles import Role
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import administrator, person

pytestmark = pytest.mark.usefixtures("target")
flavour = one_flavour

FOR_ALL = ("/login/", "/register/", "/password/reset/", "/password/reset/sent/", "/nowhere/")
FOR_ACCOUNTS = {
    Role.CUSTOMER: ("/timeline/", "/password/", "/password/changed/", "/replication/"),
    Role.TECHNICAL_WORKER: ("/replication/", "/timeline/"),
    Role.SENIOR_MANAGEMENT: ("/figures/", "/timeline/"),
}

# What the policy forbids, so that it would be missing without notice.
_INLINE = re.compile(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)


def assert_sound(client: Client, page: str) -> None:
    answer = client.get(page)
    shown = answer.content.decode()
    assert "default-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not _INLINE.search(shown), page
    assert re.search(r'<a class="skip" href="#content">', shown), page
    assert shown.count("<h1>") == shown.count("<main ") == 1, page
    assert_labelled(shown)


def assert_labelled(shown: str) -> None:
    for field in re.findall(r"<(?:input|textarea|select) [^>]*>", shown):
        if 'type="hidden"' not in field:
            [id_] = re.findall(r'\bid="([^"]+)"', field)
            assert f'for="{id_}"' in shown, field


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
