from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cdc.errors import Unfit
from cdc.servers.cache import Cache
from cdc.servers.package_root import Root
from cdc.servers.packages import unpacked
from cdc.servers.versions import Suites

Tool = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[3]


def packaged(name: str, package: str, *, prefer_host: bool = True) -> list[str]:
    """Return the words that run a program: the machine's own, or one unpacked into the cache."""
    found = shutil.which(name)
    if found and prefer_host:
        return [found]
    cache = Cache.of_user()
    try:
        built = cache.obtain(
            package, lambda folder: unpacked(Suites((), (package,)), folder / "root", cache)
        )
    except Unfit as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{name} is not here and cannot be had: {error}")
    root = Root(built.folder / "root")
    program = min(each for each in root.path.glob(f"usr/**/{name}") if each.is_file())
    loader, option, folders, path = root.command(program)
    private = [str(each) for each in sorted(root.path.glob("usr/lib/*-linux-gnu/systemd"))]
    return [loader, option, ":".join([folders, *private]), path]


def _tool(command: Sequence[str]) -> Tool:
    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture(scope="session")
def systemd_analyze() -> Tool:
    return _tool(packaged("systemd-analyze", "systemd"))


@pytest.fixture(scope="session")
def promtool() -> Tool:
    return _tool(packaged("promtool", "prometheus"))


@pytest.fixture(scope="session")
def prometheus() -> list[str]:
    """The words that run a Prometheus."""
    return packaged("prometheus", "prometheus")


@pytest.fixture(scope="session")
def docker_compose() -> Tool:
    """Compose without an engine: it reads and checks files."""
    return _tool(packaged("docker-compose", "docker-compose"))
