"""Programs in Go that a test needs, built once from their modules where the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cdc_sandbox.servers.cache import Cache

BUILD_SECONDS = 1800


def go_program(package: str, version: str) -> Path:
    """Return a program of this version, from the cache or built into it; skip without Go.

    Helm takes four minutes on two cores. CI skips too: no machine need have Go for cdc.
    """
    name = package.rpartition("/")[2]
    cache = Cache.of_user()
    kind = f"go-{name}-{version.removeprefix('v').replace('.', '_')}"
    if not (shutil.which("go") or cache.newest(kind)):
        pytest.skip(f"{name} is not in {cache.folder}, and there is no Go to build it: go.dev")

    def build(folder: Path) -> str:
        done = subprocess.run(
            ["go", "install", f"{package}@{version}"],
            env={**os.environ, "GOBIN": str(folder), "GOFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
        if done.returncode != 0:
            pytest.skip(f"{name} cannot be built: {done.stderr[-2000:]}")
        return version.removeprefix("v")

    return cache.obtain(kind, build).folder / name
