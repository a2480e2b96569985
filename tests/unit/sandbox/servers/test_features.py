from __future__ import annotations

import pytest

from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer
from cdc_sandbox.servers.process import Process
from tests.support.features import Feature, release

TAGS = Feature("tagged GTIDs", mysql="8.3")
VECTORS = Feature("VECTOR columns", mysql="9.0", mariadb="11.7")
CLUSTERED = Feature("clustered collections", mongo="5.3")


@pytest.fixture
def idle(tmp_path_factory: pytest.TempPathFactory) -> Process:
    return Process(["true"], log=tmp_path_factory.getbasetemp() / "log")


def source(runner: Process, flavour: Flavour, version: str) -> MySQLServer:
    server = MySQLServer(runner, flavour=flavour, port=1, password="")
    server.version = version
    return server


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("9.7.4-2", (9, 7, 4)),
        ("10.5.29-MariaDB-0+deb11u1-log", (10, 5, 29)),
        ("11.8.9-MariaDB-4 from Debian-log", (11, 8, 9)),
        ("8.4", (8, 4)),
    ],
)
def test_a_version_is_its_numbers_whatever_its_packager_adds(
    version: str, numbers: tuple[int, ...]
) -> None:
    assert release(version) == numbers


def test_a_lack_names_the_version_and_what_it_lacks(idle: Process) -> None:
    lack = TAGS.lack(source(idle, "mysql", "8.0.31"))

    assert lack == "MySQL 8.0.31 has no tagged GTIDs, which came with 8.3"


def test_the_first_version_that_has_it_lacks_nothing(idle: Process) -> None:
    assert VECTORS.lack(source(idle, "mysql", "9.0.0")) is None
    assert VECTORS.lack(source(idle, "mariadb", "11.8.9-MariaDB")) is None


def test_a_flavour_that_is_not_named_has_none(idle: Process) -> None:
    lack = TAGS.lack(source(idle, "mariadb", "11.8.9-MariaDB"))

    assert lack == "MariaDB has no tagged GTIDs"


def test_what_sources_have_is_not_asked_of_targets_nor_the_reverse(idle: Process) -> None:
    target = MongoServer(idle, port=1, replica_set=True)

    assert TAGS.concerns(source(idle, "mysql", "8.0.31"))
    assert not TAGS.concerns(target)
    assert CLUSTERED.concerns(target)
    assert not CLUSTERED.concerns(source(idle, "mysql", "8.0.31"))
