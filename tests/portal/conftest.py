from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.portal.settings"
django.setup()

from cdc.servers import Flavour, MongoServer, MySQLServer  # noqa: E402 - after the set-up
from portal import replicated  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs" / "portal.md"
PASSWORD = "0f the tests"


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


@pytest.fixture
def target(mongo: MongoServer) -> Iterator[MongoServer]:
    """The MongoDB that the pages read; the two databases are the test's own, and empty."""
    name = f"portal_{uuid.uuid4().hex[:12]}"
    state = f"{name}_state"
    with override_settings(
        MONGODB_URI=mongo.uri, MONGODB_DATABASE=name, MONGODB_STATE_DATABASE=state
    ):
        yield mongo
        for database in (replicated.documents(), replicated.state()):
            database.client.drop_database(database.name)


def connect(server: MySQLServer, database: str) -> None:
    """Point Django's default connection at a database, as the account that the docs make."""
    connections["default"].close()
    settings.DATABASES["default"].update(
        HOST=server.host, PORT=server.port, USER=database, PASSWORD=PASSWORD, NAME=database
    )
    connections.databases["default"] = settings.DATABASES["default"]
    del connections["default"]


def _migrated(server: MySQLServer) -> str:
    name = f"portal_{uuid.uuid4().hex[:12]}"
    for statement in _set_up(name):
        server.execute(statement)
    connect(server, name)
    call_command("migrate", verbosity=0, interactive=False)
    return name


def _set_up(name: str) -> list[str]:
    """Return the statements of docs/portal.md, for a database and an account of this name."""
    page = DOCS.read_text(encoding="utf-8")
    statements = page.partition("```sql\n")[2].partition("```")[0]
    for written, meant in (("twitter", name), ("'portal'", f"'{name}'"), ("…", PASSWORD)):
        assert written in statements
        statements = statements.replace(written, meant)
    return [each.strip() for each in statements.split(";") if each.strip()]
