from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.deployment.support.tool import Tool
from tests.support.go_program import go_program
from tests.support.packaged import packaged

HELM = "v3.22.0"


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


@pytest.fixture(scope="session")
def helm() -> Tool:
    """Helm, which renders the chart without a cluster."""
    return _tool([str(go_program("helm.sh/helm/v3/cmd/helm", HELM))])
