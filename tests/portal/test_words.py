"""What forms say: the portal's own words, one error a field, and the cursor where it is needed."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from portal.accounts.models import User
from portal.accounts.passwords import RULES
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import PASSWORD, application, person, seen

flavour = one_flavour

EMPTY = {
    "/login/": ["Enter your username.", "Enter your password."],
    "/register/": [
        "Choose a username.",
        "Enter your mail address.",
        "Enter a password.",
        "Enter the password again.",
    ],
    "/password/reset/": ["Enter your mail address."],
}
"""Forms for everybody, and what each says when nothing is in it."""

OWN = {
    "/password/": [
        "Enter the password that you have now.",
        "Enter a new password.",
        "Enter the new password again.",
    ],
    "/timeline/": ["Write something first."],
    "/timeline/name/": ["Enter a name."],
}
"""Forms of who is logged in."""


def errors(page: str) -> list[str]:
    return re.findall(r"<li>([^<]+)</li>", "".join(re.findall(r"(?s)errorlist.*?</ul>", page)))


def with_cursor(page: str) -> list[str]:
    """The names of the fields that the cursor begins in."""
    fields = re.findall(r"<(?:input|textarea)[^>]*>", page)
    return re.findall(r'name="(\w+)"', "".join(each for each in fields if "autofocus" in each))


def choice(account: User) -> str:
    """The page behind a mail's link."""
    uid = urlsafe_base64_encode(force_bytes(account.pk))
    return f"/password/reset/{uid}/{default_token_generator.make_token(account)}/"


@pytest.mark.parametrize(("path", "said"), [*EMPTY.items(), *OWN.items()])
def test_an_empty_form_says_what_each_field_lacks(
    client: Client, path: str, said: list[str]
) -> None:
    if path in OWN:
        client.force_login(person("ana"))

    state = seen(client, path) if path == "/timeline/name/" else {"seen": ""}
    page = client.post(path, state).content.decode()

    assert errors(page) == said
    assert len(with_cursor(page)) == 1
    assert page.count('aria-invalid="true"') == len(said)


@pytest.mark.parametrize("path", [*EMPTY, *OWN])
def test_labels_have_no_colons(client: Client, path: str) -> None:
    if path in OWN:
        client.force_login(person("ana"))

    page = client.get(path).content.decode()

    labels = re.findall(r"<label[^>]*>([^<]+)</label>", page)
    assert labels
    assert not [each for each in labels if ":" in each]


def test_a_wrong_login_is_told_at_the_password_which_has_the_cursor(client: Client) -> None:
    person("ana")

    page = client.post("/login/", {"username": "ana", "password": "a guess"}).content.decode()

    [said] = errors(page)
    assert said.startswith("This username and this password do not belong together.")
    assert with_cursor(page) == ["password"]


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        (
            {"username": "a b", "email": "a@example.com"},
            "username",
            "A username has letters, digits and @ . + - _, and nothing else.",
        ),
        ({"email": "ana"}, "email", "This is no mail address: it looks like name@example.com."),
        ({"password2": "another one 9"}, "password2", "The two passwords differ."),
        ({"password1": "short", "password2": "short"}, "password1", "This password is too short."),
    ],
)
def test_the_cursor_is_in_the_first_wrong_field(
    client: Client, wrong: dict[str, str], field: str, said: str
) -> None:
    page = client.post("/register/", application(**wrong)).content.decode()

    told = errors(page)
    assert [each.startswith(said) for each in told] == [True], told
    assert with_cursor(page) == [field]


def test_the_rules_of_passwords_stand_where_one_is_chosen(client: Client) -> None:
    ana = person("ana")
    pages = [client.get("/register/"), client.get(choice(ana), follow=True)]
    client.force_login(ana)
    pages.append(client.get("/password/"))

    for page in pages:
        assert page.content.decode().count(RULES) == 1


def test_the_password_that_is_held_is_asked_for_in_these_words(client: Client) -> None:
    client.force_login(person("ana"))
    form = {"old_password": "another", "new_password1": PASSWORD, "new_password2": PASSWORD}

    page = client.post("/password/", form).content.decode()

    assert errors(page) == ["This is not your password. Capital letters count."]


def test_a_tweet_that_is_too_long_is_told_by_how_much(client: Client) -> None:
    client.force_login(person("ana"))

    page = client.post("/timeline/", {"text": "x" * 300}).content.decode()

    assert errors(page) == ["A tweet has 280 characters at most; this has 300."]
