from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
import structlog
from hypothesis import settings

from cdc.daemon.signals import STOP_SIGNALS
from cdc.errors import UsageError
from cdc_sandbox.servers import (
    Flavour,
    KafkaServer,
    MongoServer,
    MySQLServer,
    kafka_server,
    mongo_server,
    mysql_server,
    versions,
)
from tests.support import compared, examples
from tests.support.features import require
from tests.support.launching import entered
from tests.support.outcome import FAILED
from tests.support.prepared import roll_back, undecided
from tests.support.quick import is_quick
from tests.support.unsynced import UNSYNCED

# A busy machine is no failing property; and CI uses the same examples each time.
settings.register_profile("cdc", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("cdc")

FLAVOURS: tuple[Flavour, ...] = ("mysql", "mariadb")

Server = TypeVar("Server", MySQLServer, MongoServer)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget", type=int, default=1, help="how many times longer random campaigns run"
    )
    parser.addoption("--seed", type=int, help="what a random campaign printed, to see it again")
    parser.addoption("--quick", action="store_true", help="neither MariaDB nor what is marked slow")


def pytest_configure(config: pytest.Config) -> None:
    try:
        versions.parse(os.environ.get(versions.VARIABLE, ""))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    config.addinivalue_line("markers", "needs(*features): what its shared server may lack")
    examples.budget = int(config.getoption("--budget"))
    config.pluginmanager.register(compared)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        left_out = [item for item in items if not is_quick(item)]
        items[:] = [item for item in items if is_quick(item)]
        config.hook.pytest_deselected(items=left_out)


def pytest_report_header() -> str:
    return f"servers: {os.environ.get(versions.VARIABLE) or 'of the default versions'}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def budget(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--budget"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Where the chances of a campaign begin; printed, so that `--seed` can give it again."""
    given = request.config.getoption("--seed")
    seed = random.SystemRandom().randrange(1 << 32) if given is None else int(given)
    print(f"seed: {seed}")
    return seed


@pytest.fixture(scope="session")
def mysql(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MySQLServer]:
    """A MySQL with GTIDs, shared by the whole run."""
    data = tmp_path_factory.mktemp("mysql")
    yield from _shared(request, data, lambda: _source("mysql", data))


@pytest.fixture(scope="session")
def mariadb(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MySQLServer]:
    """A MariaDB, shared by the whole run."""
    data = tmp_path_factory.mktemp("mariadb")
    yield from _shared(request, data, lambda: _source("mariadb", data))


@pytest.fixture(scope="session")
def mongo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MongoServer]:
    """A replica set of one member, shared by the whole run."""
    data = tmp_path_factory.mktemp("mongo")
    yield from _shared(request, data, lambda: mongo_server(data_dir=data))


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaServer]:
    """A Kafka of one broker, for the tests of one file: they kill it."""
    context, server = entered(kafka_server)
    try:
        yield server
    finally:
        context.__exit__(None, None, None)


@pytest.fixture(params=FLAVOURS)
def source(request: pytest.FixtureRequest) -> MySQLServer:
    """The shared server of each flavour in turn."""
    server: MySQLServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Undo what a command that ran in this process leaves: it ignores a second signal to end.

    What a later test starts would inherit that, and never end.
    """
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Undo what a command that ran in this process has made of the log.

    A later test would see warnings alone.
    """
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    """Skip a test whose shared servers lack what it is marked to need."""
    features = [each for mark in request.node.iter_markers("needs") for each in mark.args]
    for name in {"source", "mongo", *FLAVOURS} & set(request.fixturenames) if features else ():
        server = request.getfixturevalue(name)
        require(server, *(each for each in features if each.concerns(server)))


@pytest.fixture
def schema(request: pytest.FixtureRequest, source: MySQLServer) -> Iterator[str]:
    """A schema of the test's own on `source`, kept if the test fails.

    An XA transaction that it leaves prepared is rolled back, and fails it.
    """
    name = _fresh("test")
    source.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    left = undecided(source)
    for each in left:
        roll_back(source, each)
    if _passed(request, f"schema {name} on {source}"):
        source.execute(f"DROP DATABASE IF EXISTS {name}")
    assert not left, f"{request.node.name} leaves prepared what no later test would begin behind"


@pytest.fixture
def database(request: pytest.FixtureRequest, mongo: MongoServer) -> Iterator[str]:
    """The name of a target database of the test's own, kept if the test fails."""
    yield from _database(request, mongo, _fresh("test"))


@pytest.fixture
def state_database(request: pytest.FixtureRequest, mongo: MongoServer) -> Iterator[str]:
    """The name of a state database of the test's own, kept if the test fails."""
    yield from _database(request, mongo, _fresh("state"))


def _database(request: pytest.FixtureRequest, mongo: MongoServer, name: str) -> Iterator[str]:
    yield name
    if _passed(request, f"database {name} on {mongo}"):
        with mongo.client() as client:
            client.drop_database(name)


def _fresh(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def _passed(request: pytest.FixtureRequest, what: str) -> bool:
    if request.node.stash.get(FAILED, False):
        print(f"kept: {what}")
        return False
    return True


def _source(flavour: Flavour, data: Path) -> AbstractContextManager[MySQLServer]:
    return mysql_server(flavour, options=UNSYNCED, data_dir=data)


def _shared(
    request: pytest.FixtureRequest, data: Path, launch: Callable[[], AbstractContextManager[Server]]
) -> Iterator[Server]:
    """Run a server for the session; keep its data when a test has failed."""
    context, server = entered(launch)
    try:
        yield server
        if not request.session.testsfailed:
            server.kill()
    finally:
        context.__exit__(None, None, None)
        if request.session.testsfailed:
            print(f"kept: {data}, the data folder of {server}")
        else:
            shutil.rmtree(data)
