"""MariaDB's plugins by which accounts log in, of which its core package has none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.packages import unpacked
from cdc_sandbox.servers.versions import DEFAULTS, Suites, chosen

PACKAGE = "mariadb-server"


def plugin_folder() -> Path:
    """Return the plugins' folder; unpacked once, and skipped if there is none to be had."""
    if chosen("mariadb") != DEFAULTS["mariadb"]:
        pytest.skip("the plugins are those of the default version")
    cache = Cache.of_user()
    try:
        return cache.obtain("mariadb-plugins", lambda folder: _build(folder, cache)).folder
    except Unfit as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _build(folder: Path, cache: Cache) -> str:
    root = folder / "root"
    version = unpacked(Suites((), (PACKAGE,)), root, cache)
    for plugin in root.glob("usr/lib/mysql/plugin/auth_*.so"):
        plugin.rename(folder / plugin.name)
    shutil.rmtree(root)
    return version
