from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.portal.settings"
django.setup()

from cdc.servers import Flavour, MySQLServer  # noqa: E402 - models are imported by what follows


@pytest.fixture(scope="session", autouse=True)
def django_under_test() -> Iterator[None]:
    """Mails go to `django.core.mail.outbox`."""
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture(scope="session")
def migrated_mysql(mysql: MySQLServer) -> str:
    """A database with the portal's tables on the shared MySQL: its name."""
    return _migrated(mysql)


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb: MySQLServer) -> str:
    """A database with the portal's tables on the shared MariaDB: its name."""
    return _migrated(mariadb)


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


def connect(server: MySQLServer, database: str) -> None:
    """Point Django's default connection at a database, in every thread from now on."""
    connections["default"].close()
    settings.DATABASES["default"].update(
        HOST=server.host,
        PORT=server.port,
        USER=server.user,
        PASSWORD=server.password,
        NAME=database,
    )
    connections.databases["default"] = settings.DATABASES["default"]
    del connections["default"]


def _migrated(server: MySQLServer) -> str:
    name = f"portal_{uuid.uuid4().hex[:12]}"
    server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    connect(server, name)
    call_command("migrate", verbosity=0, interactive=False)
    return name
