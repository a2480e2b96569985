"""Two requests of one account at the same time: the second meets what the first holds locked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client

from cdc_sandbox.servers import MySQLServer
from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Author, Tweet
from tests.portal.support.people import administrator, person, seen
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("target")

# Not information_schema.innodb_trx: what it shows stays as it was while it is asked for more often
# than ten times a second.
LOCK_WAITS = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"


@pytest.fixture
def ana(tables: MySQLServer) -> Iterator[User]:
    """A customer whom an administrator made: her author is not made yet."""
    yield person("ana")
    for model in (Tweet, User, Author):
        model.objects.all().delete()


@pytest.fixture
def beside(tables: MySQLServer) -> Iterator[Callable[[Callable[[], int]], Future[int]]]:
    """Run a request in another thread; go on once it waits for a lock of this one."""

    def waiting() -> str:
        [(_, number)] = tables.execute(LOCK_WAITS)
        return str(number)

    def run(request: Callable[[], int]) -> Future[int]:
        answer = pool.submit(request)
        eventually(lambda: waiting() != "0", waiting_for="the other request")
        return answer

    with ThreadPoolExecutor(1) as pool:
        yield run
        pool.submit(lambda: connection.close()).result()  # each thread has its own


def browser(account: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(account)
    return client


def test_two_first_pages_make_one_author(
    ana: User, beside: Callable[[Callable[[], int]], Future[int]]
) -> None:
    client = browser(ana)

    with transaction.atomic():
        author = author_of(ana)
        second = beside(lambda: client.get("/timeline/").status_code)

    assert second.result() == 200
    assert list(Author.objects.all()) == [author]


def test_of_two_changes_the_second_is_refused_with_what_the_first_has_kept(
    ana: User, beside: Callable[[Callable[[], int]], Future[int]]
) -> None:
    tweet = Tweet.objects.create(author=author_of(ana), text="the first")
    client, address = browser(ana), f"/timeline/{tweet.pk}/change/"
    form = {"text": "the third", **seen(client, address)}

    with transaction.atomic():
        tweet.text = "the second"
        tweet.save()
        change = beside(lambda: client.post(address, form).status_code)

    assert change.result() == 200
    tweet.refresh_from_db()
    assert tweet.text == "the second"


def test_of_two_administrators_the_second_is_refused_with_what_the_first_has_kept(
    ana: User, beside: Callable[[Callable[[], int]], Future[int]]
) -> None:
    client, address = browser(administrator()), f"/admin/accounts/user/{ana.pk}/change/"
    form = {"username": "ana", "is_active": "on", "role": Role.SENIOR_MANAGEMENT}
    form |= seen(client, address)

    with transaction.atomic():
        ana.is_active = False
        ana.save()
        change = beside(lambda: client.post(address, form).status_code)

    assert change.result() == 200
    ana.refresh_from_db()
    assert (ana.is_active, ana.role) == (False, Role.CUSTOMER)


def test_a_change_does_not_bring_back_what_is_deleted_meanwhile(
    ana: User, beside: Callable[[Callable[[], int]], Future[int]]
) -> None:
    tweet = Tweet.objects.create(author=author_of(ana), text="the first")
    client, address = browser(ana), f"/timeline/{tweet.pk}/change/"

    with transaction.atomic():
        tweet.delete()
        change = beside(lambda: client.post(address, {"text": "the second"}).status_code)

    assert change.result() == 404
    assert not Tweet.objects.exists()
