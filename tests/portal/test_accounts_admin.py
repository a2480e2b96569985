from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Author, Tweet
from tests.portal.support.people import PASSWORD, administrator, application, person, seen

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

    def test_of_two_administrators_the_second_is_told_what_the_first_has_changed(
        self, admin: Client
    ) -> None:
        ana = person("ana", first_name="Ana")
        address = f"{LIST}{ana.pk}/change/"
        before = self.form(ana, role="customer", first_name="Ana", **seen(admin, address))
        locked_out = {key: value for key, value in before.items() if key != "is_active"}

        kept = admin.post(address, locked_out | {"first_name": ""})
        refused = admin.post(address, before | {"role": "technical_worker"})

        assert (kept.status_code, refused.status_code) == (302, 200)
        ana.refresh_from_db()
        assert (ana.is_active, ana.role) == (False, Role.CUSTOMER)
        told = refused.content.decode()
        for line in ("Active is now: no", "Role is now: customer", "First name is now: nothing"):
            assert line in told

    def test_groups_and_rights_are_part_of_what_was_seen(self, admin: Client) -> None:
        ana = person("ana")
        address = f"{LIST}{ana.pk}/change/"
        before = self.form(ana, role="customer", **seen(admin, address))
        ana.user_permissions.set(Permission.objects.filter(codename="view_user"))

        told = admin.post(address, before).content.decode()

        assert "User permissions is now: Accounts | user | Can view user" in told
        assert ana.user_permissions.exists()

    @pytest.mark.parametrize("which", ["author", "tweet"])
    def test_authors_and_tweets_are_changed_as_they_were_seen(
        self, admin: Client, which: str
    ) -> None:
        author = Author.objects.create(screen_name="ana", name="Ana", lang="pt")
        tweet = Tweet.objects.create(author=author, text="first", entities=[{"a": 1}, "b"])
        row = {"author": author, "tweet": tweet}[which]
        address = f"/admin/tweets/{which}/{row.pk}/change/"
        old = seen(admin, address)
        Author.objects.update(lang="en")
        Tweet.objects.update(lang="en")

        refused = admin.post(address, {**old, "lang": "fr"}).content.decode()

        assert "Lang is now: en" in refused
        assert old != seen(admin, address)

    def test_who_may_only_look_sees_the_account(self, client: Client) -> None:
        looker = person("looker", is_staff=True)
        looker.user_permissions.set(Permission.objects.filter(codename="view_user"))
        client.force_login(looker)

        assert client.get(f"{LIST}{looker.pk}/change/").status_code == 200

    def test_the_administrator_gives_another_role(self, admin: Client) -> None:
        ana = person("ana")

        answer = admin.post(
            f"{LIST}{ana.pk}/change/",
            self.form(ana, role="technical_worker", **seen(admin, f"{LIST}{ana.pk}/change/")),
        )

        ana.refresh_from_db()
        assert answer.status_code == 302
        assert ana.role == Role.TECHNICAL_WORKER

    def test_staff_cannot_make_an_account_mightier(self, clerk: Client) -> None:
        ana = person("ana")

        address = f"{LIST}{ana.pk}/change/"
        powers = {"is_superuser": "on", "is_staff": "on", **seen(clerk, address)}

        assert clerk.post(address, self.form(ana, role="customer", **powers)).status_code == 302

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
