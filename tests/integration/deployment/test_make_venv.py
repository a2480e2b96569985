from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"


def make_venv(python: str, venv: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker/make-venv", python, venv],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def has_pip(venv: Path) -> bool:
    done = subprocess.run([venv / "bin/python", "-m", "pip", "--version"], check=False)
    return done.returncode == 0


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def no_ensurepip(tmp_path: Path) -> str:
    """A PYTHONPATH on which ensurepip is missing, as on Debian without python3-venv."""
    package = tmp_path / "without" / "ensurepip"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not in this distribution')\n")
    return str(package.parent)


@pytest.mark.slow
def test_an_environment_with_pip_is_made_and_then_left_alone(tmp_path: Path) -> None:
    venv = tmp_path / "venv"

    first = make_venv(sys.executable, venv)
    (venv / "installed").touch()
    second = make_venv(sys.executable, venv)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert has_pip(venv)
    assert (venv / "installed").exists()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get"), reason="Debian's pip comes by apt-get")
@pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason="needs the distribution's Python")
def test_without_ensurepip_the_distributions_pip_serves(tmp_path: Path, no_ensurepip: str) -> None:
    made = make_venv(SYSTEM_PYTHON, tmp_path / "venv", PYTHONPATH=no_ensurepip)

    assert made.returncode == 0, made.stderr
    assert has_pip(tmp_path / "venv")


def test_without_ensurepip_and_apt_the_package_to_install_is_named(
    tmp_path: Path, no_ensurepip: str
) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()

    made = make_venv(sys.executable, tmp_path / "venv", PYTHONPATH=no_ensurepip, PATH=str(bare))

    assert made.returncode == 1
    assert "apt-get install python3-venv" in made.stderr


def test_an_old_python_is_refused_with_its_version(tmp_path: Path) -> None:
    old = program(tmp_path / "python", 'case "$2" in *sys.exit*) exit 1;; esac; echo version 3.9.2')

    made = make_venv(old, tmp_path / "venv", PATH="/usr/bin:/bin")

    assert made.returncode == 1
    assert "cdc needs Python 3.11 or newer" in made.stderr
    assert "version 3.9.2" in made.stderr
    assert "PYTHON=python3.1" in made.stderr


def test_a_python_that_is_not_there_is_told(tmp_path: Path) -> None:
    made = make_venv("python-of-tomorrow", tmp_path / "venv")

    assert made.returncode == 1
    assert "python-of-tomorrow is not there" in made.stderr
