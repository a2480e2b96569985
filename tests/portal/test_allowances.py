"""How often one may register or ask for a new password, whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings

from cdc_sandbox.servers import MySQLServer
from portal.accounts import allowances
from portal.accounts.allowances import KEPT
from portal.accounts.models import Allowance, User
from tests.portal.support.people import application, person
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
ELSEWHERE = "192.0.2.7"
_THREADS = 8


def register(client: Client, *, names: int, **visitor: str) -> list[int]:
    begin = User.objects.count()
    return [
        client.post("/register/", application(f"visitor{begin + number}"), **visitor).status_code  # type: ignore[arg-type]
        for number in range(names)
    ]


def ask(client: Client, address: str, **visitor: str) -> HttpResponse:
    return client.post("/password/reset/", {"email": address}, **visitor)  # type: ignore[arg-type,return-value]


def take(who: str = "somebody", *, per_hour: int = 4, at: datetime = NOW) -> datetime | None:
    return allowances.take("a test", who, per_hour=per_hour, now=at)


class TestTaking:
    pytestmark = pytest.mark.usefixtures("rows")

    def test_so_many_may_come_at_once_and_the_next_when_its_share_of_the_hour_is_over(self) -> None:
        told = [take() for _ in range(5)]

        assert told == [None, None, None, None, NOW + timedelta(minutes=15)]
        assert take(at=NOW + timedelta(minutes=14, seconds=59)) == NOW + timedelta(minutes=15)
        assert take(at=NOW + timedelta(minutes=15)) is None
        assert take(at=NOW + timedelta(minutes=15)) == NOW + timedelta(minutes=30)

    @pytest.mark.parametrize("per_hour", [1, 3, 7, 70])
    def test_an_hour_has_as_many_as_it_is_said(self, per_hour: int) -> None:
        taken = [take(per_hour=per_hour) for _ in range(per_hour + 1)]

        assert [each is None for each in taken] == [True] * per_hour + [False]

    def test_another_is_not_held_back(self) -> None:
        taken = [take("one", per_hour=1), take("another", per_hour=1)]

        assert taken == [None, None]

    def test_none_an_hour_is_no_limit(self) -> None:
        assert [take(per_hour=0) for _ in range(100)] == [None] * 100

    def test_who_comes_is_not_stored_in_plain_and_soon_forgotten(self) -> None:
        take("ana@example.com")
        [row] = Allowance.objects.all()
        assert "ana" not in row.key

        take("another", at=row.used_until + KEPT + timedelta(seconds=1))

        assert not Allowance.objects.filter(pk=row.pk).exists()
        assert Allowance.objects.count() == 1


class TestAtOnce:
    @pytest.fixture(autouse=True)
    def forgotten(self, tables: MySQLServer) -> Iterator[None]:
        yield
        Allowance.objects.all().delete()

    def test_no_more_pass_than_one_after_the_other(self) -> None:
        together = Barrier(_THREADS)

        def come(_: int) -> list[datetime | None]:
            try:
                together.wait()
                return [take(per_hour=20) for _ in range(10)]
            finally:
                connection.close()  # each thread has its own, as each worker has

        with ThreadPoolExecutor(_THREADS) as pool:
            told = [each for one in pool.map(come, range(_THREADS)) for each in one]

        assert told.count(None) == 20
        assert set(told) == {None, NOW + timedelta(minutes=3)}


class TestRegistration:
    @override_settings(REGISTRATIONS_PER_HOUR=2)
    def test_one_address_makes_so_many_accounts_an_hour(self, client: Client) -> None:
        assert register(client, names=3) == [302, 302, 429]
        assert register(client, names=1, REMOTE_ADDR=ELSEWHERE) == [302]
        assert User.objects.count() == 3

    @override_settings(REGISTRATIONS_PER_HOUR=2)
    def test_the_page_says_when_to_come_again(self, client: Client) -> None:
        register(client, names=2)

        refused = client.post("/register/", application("visitor9"))

        seconds = int(refused.headers["Retry-After"])
        assert 1_700 < seconds <= 1_800
        assert "Try again in 30 minutes" in refused.content.decode()

    @override_settings(REGISTRATIONS_PER_HOUR=1)
    def test_a_form_with_a_mistake_costs_nothing(self, client: Client) -> None:
        wrong = client.post("/register/", application(password2="something else"))

        assert wrong.status_code == 200
        assert register(client, names=1) == [302]

    @override_settings(REGISTRATIONS_PER_HOUR=1, BEHIND_PROXY=True)
    def test_behind_a_proxy_visitors_are_told_apart(self, client: Client) -> None:
        answers = [
            client.post(
                "/register/", application(f"of{number}"), headers={"X-Forwarded-For": address}
            ).status_code
            for number, address in enumerate(["192.0.2.1", "192.0.2.2", "10.0.0.1, 192.0.2.1"])
        ]

        assert answers == [302, 302, 429]


class TestReset:
    @pytest.fixture(autouse=True)
    def no_mails(self) -> None:
        mail.outbox = []

    @override_settings(RESETS_PER_HOUR=2)
    def test_one_visitor_asks_so_often_an_hour(self, client: Client) -> None:
        person("ana")

        answers = [
            ask(client, f"{name}@example.com").status_code for name in ("nobody", "noone", "ana")
        ]

        assert answers == [302, 302, 429]
        assert ask(client, "ana@example.com", REMOTE_ADDR=ELSEWHERE).status_code == 302
        eventually(lambda: mail.outbox, waiting_for="the mail")
        assert len(mail.outbox) == 1

    @override_settings(RESET_MAILS_PER_HOUR=2)
    def test_one_mailbox_gets_so_many_an_hour_whoever_asks(self, client: Client) -> None:
        person("ana")
        spelled = ("ana@example.com", "ANA@example.com", "Ana@Example.com")

        answers = [
            ask(client, address, REMOTE_ADDR=f"192.0.2.{number}").status_code
            for number, address in enumerate(spelled)
        ]

        assert answers == [302, 302, 429]
        eventually(lambda: len(mail.outbox) == 2, waiting_for="the mails")

    @override_settings(RESET_MAILS_PER_HOUR=1)
    def test_the_refusal_does_not_tell_whether_an_address_is_known(self, client: Client) -> None:
        person("ana")
        for address in ("ana@example.com", "nobody@example.com"):
            ask(client, address)

        known, unknown = (
            ask(client, address) for address in ("ana@example.com", "nobody@example.com")
        )

        assert known.status_code == unknown.status_code == 429
        assert known.content == unknown.content
        assert "Try again in 60 minutes" in known.content.decode()
