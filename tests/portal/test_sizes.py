"""How large the tables and collections are, on both flavours."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.cache import cache

from cdc_sandbox.servers import MongoServer, MySQLServer
from portal import mongodb
from portal.dashboards.replication import sizes as counting
from portal.dashboards.replication.sizes import Sizes, sizes
from portal.tweets.models import Author


@pytest.fixture(autouse=True)
def forgotten() -> None:
    cache.clear()


@pytest.fixture
def users(rows: MySQLServer) -> str:
    """The name of a table of three rows."""
    for number in range(3):
        Author.objects.create(screen_name=f"sized{number}")
    return f"{settings.DATABASES['default']['NAME']}.users"


def measured(*tables: str) -> Sizes:
    return sizes(mongodb.documents(), tables, {"users"})


def test_rows_and_documents_are_counted(target: MongoServer, users: str) -> None:
    mongodb.documents()["users"].insert_many([{"_id": 1}, {"_id": 2}])

    assert measured(users) == Sizes({users: 3}, exact=True, documents={"users": 2})


def test_of_many_rows_the_server_s_estimate_is_taken(
    target: MongoServer, users: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "COUNTED_ROWS", -1)

    found = measured(users)

    assert not found.exact
    assert found.rows[users] >= 0


def test_a_table_that_the_account_does_not_know_has_no_size(
    target: MongoServer, users: str
) -> None:
    assert measured(users, "mysql.user", "nowhere.nothing", "a[.]b.c").rows == {users: 3}


def test_what_was_counted_a_moment_ago_is_not_counted_again(
    target: MongoServer, users: str
) -> None:
    before = measured(users)
    mongodb.documents()["users"].insert_one({"_id": 1})

    assert measured(users) == before
