from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")


def make_sure(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `make test` does first, where only this folder's programs are known."""
    without_ci = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "tests.portal.browser.chromium"],
        env={**without_ci, "PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_nothing_is_said_or_done_where_it_is_installed(tmp_path: Path) -> None:
    program(tmp_path / "chromium", "")

    done = make_sure(tmp_path, CI="true")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_it_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    done = make_sure(tmp_path)

    assert done.returncode == 0
    assert "as root type `apt-get install --yes --no-install-recommends chromium" in done.stderr
    assert "SKIPPED" in done.stderr


def test_without_it_ci_fails(tmp_path: Path) -> None:
    assert make_sure(tmp_path, CI="true").returncode == 1


@as_root
def test_root_installs_it(tmp_path: Path) -> None:
    program(tmp_path / "apt-get", f'[ "$1" != install ] || /bin/cp "$0" {tmp_path}/chromium')

    done = make_sure(tmp_path, CI="true")

    assert done.returncode == 0
    assert done.stderr == "installing Chromium for the tests of the portal's pages\n"


@as_root
def test_what_apt_complains_of_is_told(tmp_path: Path) -> None:
    program(tmp_path / "apt-get", "echo no network; exit 100")

    done = make_sure(tmp_path)

    assert done.returncode == 0
    assert "`apt-get update` failed:\nno network" in done.stderr
    assert "SKIPPED" in done.stderr
