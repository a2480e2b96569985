from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.accounts.roles import Role
from tests.portal.support.people import person


def create(**options: str) -> dict[str, str]:
    """Return the password of each account that was told."""
    output = StringIO()
    call_command("create_demo_users", stdout=output, **options)
    return {words[0]: words[1] for words in map(str.split, output.getvalue().splitlines())}


def test_each_login_that_is_told_leads_to_the_page_of_its_role(client: Client) -> None:
    first = create()
    told = create()

    assert first.keys() == told.keys()
    places = {}
    for username, password in told.items():
        answer = client.post("/login/", {"username": username, "password": password})
        places[username] = answer.headers["Location"]
        client.post("/logout/")
    assert places == {
        "customer": "/timeline/",
        "technician": "/replication/",
        "manager": "/figures/",
        "admin": "/replication/",
    }


def test_the_administrator_of_the_demo_may_open_the_admin(client: Client) -> None:
    create(password="of the demo 1")

    client.post("/login/", {"username": "admin", "password": "of the demo 1"})

    assert client.get("/admin/").status_code == 200


def test_an_account_of_that_name_that_is_not_the_demos_is_left_alone(client: Client) -> None:
    admin = person("admin", Role.CUSTOMER)

    with pytest.raises(CommandError, match="not the demo's"):
        create()

    admin.refresh_from_db()
    assert not admin.is_superuser
