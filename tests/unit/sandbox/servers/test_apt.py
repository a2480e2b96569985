from __future__ import annotations

from pathlib import Path

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.apt import Apt, best_package, clean_version, sources_list
from cdc_sandbox.servers.distribution import Distribution, Source
from cdc_sandbox.servers.sql_program import package

DEBIAN = Distribution.of({"ID": "debian", "VERSION_CODENAME": "bookworm"})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["mysql-server-core", "mysql-server-core-8.0", "mysql-common"], "mysql-server-core"),
        (["mysql-server-core-8.0", "mysql-server-core-8.4"], "mysql-server-core-8.4"),
        (["mysql-server-core-9.7", "mysql-server-core-10.1"], "mysql-server-core-10.1"),
        (["mariadb-server-core", "mysql-server"], None),
    ],
)
def test_the_package_without_a_version_is_taken_else_the_highest(
    names: list[str], expected: str | None
) -> None:
    assert best_package(names, package("mysql")) == expected


@pytest.mark.parametrize(
    ("version", "clean"),
    [
        ("9.7.4-2\n", "9.7.4"),
        ("1:11.8.9-4+b1", "11.8.9"),
        ("8.0.42-0ubuntu0.22.04.1", "8.0.42"),
        ("1:10.11.11+maria~deb12", "10.11.11"),
    ],
)
def test_a_version_is_told_without_epoch_and_packaging(version: str, clean: str) -> None:
    assert clean_version(version) == clean


def test_every_repository_is_checked_against_the_archive_keyring() -> None:
    lines = sources_list(
        [Source("http://mirror.example/debian", "sid", "main")], Path("/keys/archive.gpg")
    )

    assert lines == [
        "deb [signed-by=/keys/archive.gpg target=Packages lang=none]"
        " http://mirror.example/debian sid main"
    ]


def test_a_machine_without_apt_is_told_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unfit, match="apt-get is not installed") as caught:
        Apt(tmp_path, DEBIAN).fetch(["mysql-server-core"], tmp_path / "root")

    assert "--containers" in str(caught.value)


def test_a_missing_keyring_names_its_package(tmp_path: Path) -> None:
    bare = Distribution("debian", "bookworm", (tmp_path / "none.gpg",), "debian-archive-keyring")

    with pytest.raises(Unfit, match=r"none\.gpg is missing") as caught:
        bare.keyring()

    assert caught.value.remedy == "apt-get install debian-archive-keyring"
