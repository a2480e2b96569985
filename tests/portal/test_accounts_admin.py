from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Author, Tweet
from tests.portal.people import PASSWORD, administrator, application, person

ADD = "/admin/accounts/user/add/"
LIST = "/admin/accounts/user/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(administrator())
    return client


@pytest.fixture
def clerk(client: Client) -> Client:
    """Staff who may change accounts, and not everything."""
    clerk = person("clerk", Role.TECHNICAL_WORKER, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    client.force_login(clerk)
    return client


def listed(page: bytes) -> set[str]:
    return {name for name in ("ana", "tom", "sue") if f">{name}</a>" in page.decode()}


class TestAdding:
    @pytest.mark.parametrize("role", Role)
    def test_the_administrator_registers_every_role(self, admin: Client, role: Role) -> None:
        form = application("sue", role=role, usable_password="true")

        assert admin.post(ADD, form).status_code == 302

        sue = User.objects.get(username="sue")
        assert sue.role == role
        assert sue.check_password(PASSWORD)

    def test_nobody_gets_a_role_by_default(self, admin: Client) -> None:
        answer = admin.post(ADD, application("sue", role="", usable_password="true"))

        assert answer.status_code == 200
        assert not User.objects.filter(username="sue").exists()


class TestFinding:
    @pytest.fixture(autouse=True)
    def accounts(self, admin: Client) -> None:
        person("ana", Role.CUSTOMER)
        person("tom", Role.TECHNICAL_WORKER)
        person("sue", Role.SENIOR_MANAGEMENT)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"ana", "tom", "sue"}),
            ("?role__exact=customer", {"ana"}),
            ("?role__exact=senior_management", {"sue"}),
            ("?q=technical", {"tom"}),
            ("?q=sue@example", {"sue"}),
        ],
    )
    def test_by_filter_and_by_search(self, admin: Client, query: str, found: set[str]) -> None:
        assert listed(admin.get(LIST + query).content) == found

    def test_accounts_are_closed_in_one_go_but_never_the_own(self, admin: Client) -> None:
        form = {"action": "deactivate", "_selected_action": list(_ids("ana", "tom", "root"))}

        admin.post(LIST, form)

        active = User.objects.filter(is_active=True).values_list("username", flat=True)
        assert set(active) == {"sue", "root"}


class TestChanging:
    def form(self, account: User, **more: str) -> dict[str, str]:
        return {"username": account.username, "email": account.email, "is_active": "on", **more}

    def test_the_administrator_gives_another_role(self, admin: Client) -> None:
        ana = person("ana")

        answer = admin.post(f"{LIST}{ana.pk}/change/", self.form(ana, role="technical_worker"))

        ana.refresh_from_db()
        assert answer.status_code == 302
        assert ana.role == Role.TECHNICAL_WORKER

    def test_staff_cannot_make_an_account_mightier(self, clerk: Client) -> None:
        ana = person("ana")

        clerk.post(
            f"{LIST}{ana.pk}/change/",
            self.form(ana, role="customer", is_superuser="on", is_staff="on"),
        )

        ana.refresh_from_db()
        assert (ana.is_superuser, ana.is_staff) == (False, False)

    def test_staff_cannot_touch_who_may_do_everything(self, clerk: Client) -> None:
        root = administrator()

        answers = [
            clerk.post(f"{LIST}{root.pk}/{what}/", self.form(root, role="customer"))
            for what in ("change", "delete", "password")
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_authors_and_tweets_are_found_whatever_their_id(admin: Client) -> None:
    author = Author.objects.create(id=(1 << 64) - 1, screen_name="last", name="Last of all")
    tweet = Tweet.objects.create(id=(1 << 64) - 2, author=author, text="to be found")

    pages = [
        admin.get(f"/admin/tweets/{page}")
        for page in ("author/?q=last", f"author/{author.pk}/change/", f"tweet/?q={tweet.pk}")
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "to be found" in pages[2].content.decode()


def _ids(*usernames: str) -> list[int]:
    return list(User.objects.filter(username__in=usernames).values_list("pk", flat=True))
