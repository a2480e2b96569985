"""What servers are made from: containers of a Docker engine, or unpacked packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Literal

from cdc.errors import Unfit, UsageError

Engine = Literal["containers", "packages"]
VARIABLE = "CDC_SERVERS"
_DOCKER_SECONDS = 15


def docker_answers() -> bool:
    """Return whether a Docker engine answers; a client alone is not an engine."""
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            capture_output=True,
            text=True,
            timeout=_DOCKER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def choose(
    wanted: Engine | None = None,
    environment: Mapping[str, str] = os.environ,
    docker: Callable[[], bool] = docker_answers,
) -> Engine:
    """Return what was asked for, by argument or by CDC_SERVERS; else containers where they run."""
    wanted = wanted or _from_environment(environment)
    if wanted == "packages":
        return wanted
    if docker():
        return "containers"
    if wanted == "containers":
        raise Unfit(
            "containers were asked for, and no Docker engine answers to `docker info`",
            remedy="start the engine, or use --no-containers",
        )
    return "packages"


def _from_environment(environment: Mapping[str, str]) -> Engine | None:
    match environment.get(VARIABLE):
        case None | "":
            return None
        case "containers":
            return "containers"
        case "packages":
            return "packages"
        case other:
            raise UsageError(
                f"{VARIABLE} is {other!r}", remedy=f"export {VARIABLE}=containers, or packages"
            )
