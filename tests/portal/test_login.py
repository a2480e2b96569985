from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import hashers
from django.test import Client, override_settings
from django.utils import timezone

from portal.accounts.roles import Role
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import GUESS, PASSWORD, administrator, person

flavour = one_flavour

DASHBOARDS = {
    Role.CUSTOMER: "/timeline/",
    Role.TECHNICAL_WORKER: "/replication/",
    Role.SENIOR_MANAGEMENT: "/figures/",
}


_TOKEN = re.compile('name="csrfmiddlewaretoken" value="[^"]+"')


def log_in(client: Client, username: str = "ana", password: str = PASSWORD, **more: str) -> str:
    """Return where the login leads, "" if nowhere."""
    form = {"username": username, "password": password, **more}
    return client.post("/login/", form).headers.get("Location", "")


class AnyRole:
    """What holds for each role; a class a role says which."""

    role: Role

    @pytest.fixture
    def own(self) -> str:
        return DASHBOARDS[self.role]

    def test_login_leads_to_the_own_dashboard(self, client: Client, own: str) -> None:
        person("ana", self.role)

        assert log_in(client) == own
        assert client.get(own).status_code == 200
        assert client.get("/").headers["Location"] == own

    def test_the_dashboards_of_other_roles_are_forbidden(self, client: Client, own: str) -> None:
        client.force_login(person("ana", self.role))

        answers = {page: client.get(page).status_code for page in DASHBOARDS.values()}

        assert answers == {page: 200 if page == own else 403 for page in DASHBOARDS.values()}

    def test_who_is_not_logged_in_comes_back_to_the_page_after_login(
        self, client: Client, own: str
    ) -> None:
        person("ana", self.role)

        asked = client.get(own).headers["Location"]

        assert asked == f"/login/?next={own}"
        form = {"username": "ana", "password": PASSWORD}
        assert client.post(asked, form).headers["Location"] == own

    def test_logout_is_by_post_only(self, client: Client, own: str) -> None:
        client.force_login(person("ana", self.role))

        assert client.get("/logout/").status_code == 405
        assert client.get(own).status_code == 200
        assert client.post("/logout/").headers["Location"] == "/login/"
        assert client.get(own).status_code == 302

    def test_the_admin_is_closed(self, client: Client) -> None:
        client.force_login(person("ana", self.role))

        assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


class TestCustomer(AnyRole):
    role = Role.CUSTOMER


class TestTechnicalWorker(AnyRole):
    role = Role.TECHNICAL_WORKER


class TestSeniorManagement(AnyRole):
    role = Role.SENIOR_MANAGEMENT


class TestNext:
    def test_a_page_of_this_site_is_followed(self, client: Client) -> None:
        person("ana")

        assert log_in(client, next="/password/") == "/password/"

    @pytest.mark.parametrize(
        "elsewhere",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"],
    )
    def test_another_site_is_not(self, client: Client, elsewhere: str) -> None:
        person("ana")

        assert log_in(client, next=elsewhere) == "/timeline/"


class TestGuessing:
    def guess(self, client: Client, times: int, username: str = "ana") -> list[int]:
        form = {"username": username, "password": GUESS}
        return [client.post("/login/", form).status_code for _ in range(times)]

    @pytest.mark.parametrize("username", ["ana", "nobody"])
    def test_the_fifth_wrong_password_locks_the_name(self, client: Client, username: str) -> None:
        person("ana")

        assert self.guess(client, 6, username) == [200, 200, 200, 200, 429, 429]

    def test_the_right_password_does_not_open_a_locked_name(self, client: Client) -> None:
        person("ana")
        self.guess(client, 5)

        assert client.post("/login/", {"username": "ana", "password": PASSWORD}).status_code == 429

    def test_elsewhere_the_owner_gets_in(self, client: Client) -> None:
        person("ana")
        self.guess(client, 5)

        assert log_in(Client(REMOTE_ADDR="192.0.2.7")) == "/timeline/"

    def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(self, client: Client) -> None:
        person("ana")
        form = {"username": "ana", "password": GUESS}

        with override_settings(BEHIND_PROXY=True):
            for number in range(5):
                client.post(
                    "/login/", form, headers={"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.1"}
                )
            locked = client.post("/login/", form, headers={"X-Forwarded-For": "192.0.2.1"})
            free = client.post("/login/", form, headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"})

        assert (locked.status_code, free.status_code) == (429, 200)

    @pytest.mark.parametrize("at_home", ["2001:db8:1:2::{:x}", "fe80::{:x}%eth0"])
    def test_all_addresses_that_one_visitor_has_of_ipv6_are_one(
        self, client: Client, at_home: str
    ) -> None:
        form = {"username": "ana", "password": GUESS}

        answers = [
            client.post("/login/", form, REMOTE_ADDR=at_home.format(number)).status_code
            for number in range(1, 6)
        ]
        elsewhere = client.post("/login/", form, REMOTE_ADDR="2001:db8:1:3::1").status_code

        assert (answers, elsewhere) == ([200, 200, 200, 200, 429], 200)

    def test_addresses_of_ipv4_in_the_clothes_of_ipv6_are_many(self, client: Client) -> None:
        form = {"username": "ana", "password": GUESS}

        answers = [
            client.post("/login/", form, REMOTE_ADDR=f"::ffff:192.0.2.{number}").status_code
            for number in range(1, 6)
        ]

        assert answers == [200] * 5

    def test_a_lock_of_days_is_told_in_minutes(self, client: Client) -> None:
        with override_settings(AXES_COOLOFF_TIME=timedelta(minutes=1500)):
            self.guess(client, 5)
            told = client.post("/login/", {"username": "ana", "password": GUESS})

        assert "which is in 1500 minutes" in told.content.decode()

    def test_the_page_of_a_lock_tells_when_it_ends_and_leads_back(self, client: Client) -> None:
        began = timezone.now()
        self.guess(client, 5)

        answer = client.post("/login/", {"username": "ana", "password": GUESS})

        told = answer.content.decode()
        [until] = re.findall(r'until <strong><time datetime="([^"]+)"', told)
        left = datetime.fromisoformat(until) - began
        assert timedelta(minutes=14) < left < timedelta(minutes=20)
        assert "which is in 15 minutes" in told
        assert 14 * 60 < int(answer.headers["Retry-After"]) <= 15 * 60
        assert 'href="/login/">Back to the login' in told

    @pytest.mark.parametrize("told", ["unknown", "192.0.2.1:4711", "x" * 300])
    def test_what_is_no_address_is_not_believed(self, client: Client, told: str) -> None:
        form = {"username": "ana", "password": GUESS}

        with override_settings(BEHIND_PROXY=True):
            answers = [
                client.post("/login/", form, headers={"X-Forwarded-For": told}).status_code
                for _ in range(5)
            ]

        assert answers == [200, 200, 200, 200, 429]

    def test_what_is_too_long_to_be_stored_is_answered_all_the_same(self, client: Client) -> None:
        form = {"username": "n" * 1000, "password": GUESS}
        agent = {"user-agent": "a" * 1000, "accept": "b" * 2000}

        long_name = client.post("/login/", form, headers=agent)
        of_the_admin = client.post("/admin/login/", form, headers=agent)
        long_agent = client.post("/login/", {**form, "username": "ana"}, headers=agent)

        assert [each.status_code for each in (long_name, of_the_admin, long_agent)] == [200] * 3

    def test_a_login_between_begins_the_count_anew(self, client: Client) -> None:
        person("ana")

        for _ in range(2):
            assert self.guess(client, 4) == [200] * 4
            assert log_in(client) == "/timeline/"
            client.post("/logout/")

    def test_the_admin_locks_too(self, client: Client) -> None:
        administrator()
        form = {"username": "root", "password": GUESS}

        answers = [client.post("/admin/login/", form).status_code for _ in range(5)]

        assert answers == [200, 200, 200, 200, 429]


class TestEnumeration:
    def answer(self, client: Client, username: str) -> str:
        form = {"username": username, "password": GUESS}
        return client.post("/login/", form).content.decode()

    def test_wrong_names_and_wrong_passwords_are_answered_alike(self, client: Client) -> None:
        person("ana")
        person("closed", is_active=False)

        pages = {
            self.answer(client, name).replace(name, "NAME") for name in ("ana", "nobody", "closed")
        }

        assert len({_TOKEN.sub("", page) for page in pages}) == 1
        assert all("do not belong together" in page for page in pages)

    def test_a_name_that_nobody_has_costs_as_many_hashes(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person("ana")
        hashed: list[str] = []
        encode: Callable[..., str] = hashers.MD5PasswordHasher.encode

        def counting(self: object, password: str, *rest: object) -> str:
            hashed.append(password)
            return encode(self, password, *rest)

        monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counting)
        self.answer(client, "ana")
        of_a_wrong_password = len(hashed)

        self.answer(client, "nobody")

        assert of_a_wrong_password == 1
        assert len(hashed) - of_a_wrong_password == 1
