from __future__ import annotations

from pathlib import Path

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.package_root import Root


@pytest.mark.parametrize("folder", ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"])
def test_a_program_runs_by_the_loader_of_its_own_root(tmp_path: Path, folder: str) -> None:
    libraries = tmp_path / folder
    libraries.mkdir(parents=True)
    (libraries / "ld-linux-x86-64.so.2").touch()

    command = Root(tmp_path).command(tmp_path / "usr/sbin/mysqld")

    assert command == [
        f"{libraries}/ld-linux-x86-64.so.2",
        "--library-path",
        f"{libraries}:{tmp_path}/usr/lib/mysql/private",
        f"{tmp_path}/usr/sbin/mysqld",
    ]


def test_a_tree_brings_libraries_of_its_own(tmp_path: Path) -> None:
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    private = tmp_path / "opt/server/lib/private"
    for folder in (libraries, private):
        folder.mkdir(parents=True)
    (libraries / "ld-linux-x86-64.so.2").touch()

    command = Root(tmp_path).command(tmp_path / "opt/server/bin/mysqld")

    assert command[2].split(":")[-2:] == [str(private), str(private.parent)]


def test_a_root_without_a_loader_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="no dynamic loader"):
        Root(tmp_path).command(tmp_path / "mysqld")
