from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import django
import pytest
from django.db import transaction
from django.test import Client
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.portal.settings"
django.setup()

from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer  # noqa: E402 - after the set-up
from portal import mongodb  # noqa: E402
from tests.portal.support.database import connect, migrated  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def django_under_test() -> Iterator[None]:
    """Mails go to `django.core.mail.outbox`."""
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture(scope="session")
def migrated_mysql(mysql: MySQLServer) -> str:
    """A database with the portal's tables on the shared MySQL: its name."""
    return migrated(mysql)


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb: MySQLServer) -> str:
    """A database with the portal's tables on the shared MariaDB: its name."""
    return migrated(mariadb)


@pytest.fixture(scope="session", params=["mysql", "mariadb"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each flavour in turn."""
    name: Flavour = request.param
    return name


@pytest.fixture
def tables(request: pytest.FixtureRequest, flavour: Flavour) -> MySQLServer:
    """The server where Django's default connection finds the portal's tables; changes stay."""
    server: MySQLServer = request.getfixturevalue(flavour)
    connect(server, request.getfixturevalue(f"migrated_{flavour}"))
    return server


@pytest.fixture
def rows(tables: MySQLServer) -> Iterator[MySQLServer]:
    """The same; what the test writes is rolled back."""
    with transaction.atomic():
        yield tables
        transaction.set_rollback(True)


@pytest.fixture
def client(rows: MySQLServer) -> Client:
    """A visitor's browser, without CSRF checks."""
    return Client()


@pytest.fixture
def target(mongo: MongoServer) -> Iterator[MongoServer]:
    """The MongoDB that the pages read; the two databases are the test's own, and empty."""
    name = f"portal_{uuid.uuid4().hex[:12]}"
    state = f"{name}_state"
    with override_settings(
        MONGODB_URI=mongo.uri, MONGODB_DATABASE=name, MONGODB_STATE_DATABASE=state
    ):
        yield mongo
        for database in (mongodb.documents(), mongodb.state()):
            database.client.drop_database(database.name)
