from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdc_sandbox.servers.images import kafka_image, mongo_image, mysql_image, tagged
from cdc_sandbox.servers.versions import DEFAULTS, KNOWN, NAMES, Version, find

MYSQL, MARIADB, MONGO, KAFKA = (DEFAULTS[name] for name in NAMES)


def test_mysql_is_a_source_that_its_caller_can_log_in_to() -> None:
    image = mysql_image("mysql", MYSQL, port=13306, password="secret", options=["--gtid-mode=OFF"])

    assert image.name == "mysql:8.4"
    assert (image.inner_port, image.port) == (3306, 13306)
    assert image.environment["MYSQL_ROOT_PASSWORD"] == "secret"
    assert "--binlog-row-metadata=FULL" in image.command
    assert "--gtid-mode=ON" in image.command


@pytest.mark.parametrize("version", KNOWN, ids=lambda it: f"{it.name}={it.number}")
def test_a_version_is_the_tag_of_its_image(version: Version) -> None:
    publisher = "apache/" if version.name == "kafka" else ""

    assert tagged(version) == f"{publisher}{version.name}:{version.number}"


def test_a_chosen_version_is_what_runs() -> None:
    mysql = mysql_image("mysql", find("mysql", "8.0.31"), port=13306, password="secret")
    mongo = mongo_image(find("mongo", "6.0.5"), port=17017, replica_set=True)

    assert (mysql.name, mongo.name) == ("mysql:8.0.31", "mongo:6.0.5")


def test_options_come_last_so_that_they_win() -> None:
    image = mysql_image("mysql", MYSQL, port=13306, password="secret", options=["--gtid-mode=OFF"])

    assert image.command[-1] == "--gtid-mode=OFF"


def test_mariadb_reads_variables_of_its_own_name() -> None:
    image = mysql_image("mariadb", MARIADB, port=13306, password="secret")

    assert image.name == "mariadb:11"
    assert image.environment["MARIADB_ROOT_PASSWORD"] == "secret"
    assert "--gtid-strict-mode=ON" in image.command


def test_a_replica_set_is_reached_by_one_address_from_inside_and_outside() -> None:
    image = mongo_image(MONGO, port=17017, replica_set=True)

    assert image.name == "mongo:8"
    assert (image.inner_port, image.port) == (17017, 17017)
    assert {"--port=17017", "--replSet=rs0", "--bind_ip_all"} <= set(image.command)


def test_a_standalone_names_no_replica_set() -> None:
    command = mongo_image(MONGO, port=17017, replica_set=False).command

    assert not [word for word in command if "replSet" in word]


def test_a_folder_of_data_is_filled_by_the_caller_so_that_the_caller_can_delete_it() -> None:
    image = mongo_image(MONGO, port=17017, replica_set=True, data_dir=Path("/data"))

    assert image.volume == (Path("/data"), "/data/db")
    assert image.user == f"{os.getuid()}:{os.getgid()}"


def test_a_container_that_stays_is_published_on_loopback_only() -> None:
    image = mysql_image("mysql", MYSQL, port=13306, password="secret")

    command = image.docker_run("cdc-mysql")

    assert command[:4] == ["docker", "run", "--detach", "--name=cdc-mysql"]
    assert "--publish=127.0.0.1:13306:3306" in command
    assert "--env=MYSQL_ROOT_PASSWORD=secret" in command
    assert command[command.index("mysql:8.4") + 1 :] == list(image.command)


def test_an_option_that_mongod_takes_once_replaces_ours() -> None:
    image = mongo_image(
        MONGO,
        port=17017,
        replica_set=False,
        options=["--wiredTigerCacheSizeGB=0.25", "--quiet"],
    )

    caches = [each for each in image.command if "CacheSize" in each]
    assert caches == ["--wiredTigerCacheSizeGB=0.25"]
    assert image.command[-1] == "--quiet"


def test_a_broker_is_reached_by_one_address_from_inside_and_outside() -> None:
    image = kafka_image(KAFKA, port=19092)

    assert image.name.startswith("apache/kafka:")
    assert (image.inner_port, image.port) == (19092, 19092)
    assert image.environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:19092"
    assert image.environment["KAFKA_LISTENERS"].startswith("PLAINTEXT://:19092,CONTROLLER://:")
