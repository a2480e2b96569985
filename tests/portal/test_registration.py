from __future__ import annotations

import pytest
from django.db.models.signals import pre_save
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Author
from tests.portal.support.people import application, person


def test_who_registers_is_a_customer_with_an_author_and_is_logged_in(client: Client) -> None:
    answer = client.post("/register/", application("newcomer"), follow=True)

    assert answer.redirect_chain == [("/timeline/", 302)]
    assert "Welcome, newcomer! You are logged in." in answer.content.decode()
    account = User.objects.get(username="newcomer")
    assert account.role == Role.CUSTOMER
    assert account.author is not None
    assert account.author.screen_name == "newcomer"
    client.logout()
    form = {"username": "newcomer", "password": application()["password1"]}
    assert client.post("/login/", form).headers["Location"] == "/timeline/"


def test_no_request_makes_more_than_a_customer(client: Client) -> None:
    client.post(
        "/register/",
        application(
            "climber", role="senior_management", is_staff="on", is_superuser="on", author="1"
        ),
    )

    account = User.objects.get(username="climber")
    assert (account.role, account.is_staff, account.is_superuser) == (Role.CUSTOMER, False, False)


@pytest.mark.parametrize("taken", ["ana", "ANA"])
def test_a_name_that_is_taken_is_refused(client: Client, taken: str) -> None:
    person("ana")

    answer = client.post("/register/", application(taken))

    assert "This name is taken." in answer.content.decode()
    assert User.objects.count() == 1


def test_a_name_that_is_taken_between_the_check_and_the_write_is_refused(client: Client) -> None:
    def be_faster(sender: object, instance: User, **_: object) -> None:
        pre_save.disconnect(be_faster, sender=User)
        User.objects.bulk_create([User(username=instance.username, role=Role.CUSTOMER)])

    pre_save.connect(be_faster, sender=User)

    answer = client.post("/register/", application("contested"))

    assert "This name is taken." in answer.content.decode()
    assert not Author.objects.filter(screen_name="contested").exists()
    assert not User.objects.filter(email="contested@example.com").exists()


def test_the_screen_name_of_an_author_without_account_is_refused(client: Client) -> None:
    Author.objects.create(screen_name="of_the_dataset", name="Somebody")

    answer = client.post("/register/", application("of_the_dataset"))

    assert "This name is taken." in answer.content.decode()


def test_a_mail_address_that_is_known_is_answered_like_any_other(client: Client) -> None:
    person("ana")

    known = client.post("/register/", application("other", email="ana@example.com"))
    client.logout()
    unknown = client.post("/register/", application("another"))

    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]


@pytest.mark.parametrize("weak", ["short", "password1234", "73920174662", "newcomer@example.com"])
def test_a_weak_password_is_refused(client: Client, weak: str) -> None:
    answer = client.post("/register/", application(password1=weak, password2=weak))

    assert answer.status_code == 200
    assert [*answer.context["form"].errors] == ["password1"]
    assert not User.objects.exists()


@pytest.mark.parametrize("page", ["/register/", "/login/"])
def test_a_form_of_another_site_is_refused(client: Client, page: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(page, application())

    assert answer.status_code == 403
    assert not User.objects.exists()
