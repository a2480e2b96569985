"""Programs that a test needs and the machine may lack."""

from __future__ import annotations

import os
import shutil

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.packages import unpacked
from cdc_sandbox.servers.versions import Suites


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
