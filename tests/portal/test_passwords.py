from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from portal.accounts.roles import Role
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import GUESS, PASSWORD, person
from tests.support.waiting import eventually

flavour = one_flavour

NEW = "another well kept one 9"


@pytest.fixture(autouse=True)
def no_mails() -> None:
    mail.outbox = []


def choose(client: Client, page: str, **more: str) -> int:
    form = {"new_password1": NEW, "new_password2": NEW, **more}
    return client.post(page, form).status_code


@pytest.mark.parametrize("role", Role)
def test_a_password_is_changed_by_who_knows_the_old_one(client: Client, role: Role) -> None:
    ana = person("ana", role)
    client.force_login(ana)

    assert choose(client, "/password/", old_password=GUESS) == 200
    assert choose(client, "/password/", old_password=PASSWORD) == 302

    ana.refresh_from_db()
    assert ana.check_password(NEW)
    assert client.get("/password/changed/").status_code == 200


def test_a_forgotten_password_is_set_by_the_link_in_a_mail_once(client: Client) -> None:
    ana = person("ana")
    client.post("/password/reset/", {"email": "ana@example.com"})
    [message] = eventually(lambda: mail.outbox, waiting_for="the mail")
    [link] = re.findall(r"http://testserver(\S+)", str(message.body))

    opened = client.get(link).headers["Location"]
    assert choose(client, opened) == 302

    ana.refresh_from_db()
    assert ana.check_password(NEW)
    assert "used or too old" in Client().get(link, follow=True).content.decode()


def test_the_answer_does_not_tell_whether_an_address_is_known(client: Client) -> None:
    person("ana")

    known = client.post("/password/reset/", {"email": "ana@example.com"})
    unknown = client.post("/password/reset/", {"email": "nobody@example.com"})

    assert known.headers["Location"] == unknown.headers["Location"] == "/password/reset/sent/"
    assert known.content == unknown.content
    eventually(lambda: mail.outbox, waiting_for="the mail")
    assert [message.to for message in mail.outbox] == [["ana@example.com"]]


def test_a_weak_password_is_refused(client: Client) -> None:
    client.force_login(person("ana"))
    form = {"old_password": PASSWORD, "new_password1": "password", "new_password2": "password"}

    answer = client.post("/password/", form)

    assert answer.status_code == 200
    assert "too common" in answer.content.decode()
