from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cdc.config import load
from cdc.mapping.file.project import project_mappings
from tests.integration.deployment.support.tool import Tool
from tests.support.checkout import ROOT

DOCKER = ROOT / "docker"
SECRETS = dict.fromkeys(
    ("CDC_SOURCE_PASSWORD", "PORTAL_DATABASE_PASSWORD", "PORTAL_SECRET_KEY"), "secret"
)
DOCKERFILES = pytest.mark.parametrize("dockerfile", ["Dockerfile", "portal.Dockerfile"])


@pytest.fixture(scope="module")
def composed(docker_compose: Tool) -> dict[str, Any]:
    """The file as compose itself understands it."""
    done = docker_compose("-f", DOCKER / "compose.yaml", "config", "--format", "json", **SECRETS)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_daemon_s_image_is_built_without_the_sandbox() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text()

    assert "sandbox" not in (DOCKER / "Dockerfile").read_text() + ignored


@DOCKERFILES
def test_the_dockerfile_passes_hadolint(dockerfile: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    done = subprocess.run(
        [hadolint, DOCKER / dockerfile], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


@DOCKERFILES
def test_what_the_dockerfile_copies_is_not_ignored(dockerfile: str) -> None:
    lines = (DOCKER / dockerfile).read_text().splitlines()
    kept = {
        line[1:]
        for line in (DOCKER / f"{dockerfile}.dockerignore").read_text().split()
        if line[0] == "!"
    }

    copied = [
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]

    assert copied
    assert all((ROOT / each).exists() and each.split("/")[0] in kept for each in copied)


def test_compose_takes_the_file_and_every_mount_exists(composed: dict[str, Any]) -> None:
    services = composed["services"]
    binds = [
        volume["source"]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]

    assert {"mysql", "mongo", "portal", "cdc", "prometheus", "grafana"} <= set(services)
    assert len(binds) >= 8
    assert [each for each in binds if not Path(each).exists()] == []


def test_every_image_is_pinned_and_nothing_listens_beyond_loopback(
    composed: dict[str, Any],
) -> None:
    services = composed["services"].values()
    images = [each["image"] for each in services if "build" not in each]
    ports = [port for each in services for port in each.get("ports", [])]

    assert all(image.rpartition(":")[2].count(".") == 2 for image in images)
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_compose_refuses_a_mistake(docker_compose: Tool, tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DOCKER / "compose.yaml").read_text().replace("read_only:", "readonly:"))

    assert docker_compose("-f", wrong, "config", "--quiet").returncode != 0


def test_the_stream_of_the_container_loads_with_the_files_that_are_mounted(
    tmp_path: Path, composed: dict[str, Any]
) -> None:
    volumes = {each["target"]: each["source"] for each in composed["services"]["cdc"]["volumes"]}
    for name in ("mappings", "portal-mappings"):
        (tmp_path / name).symlink_to(volumes[f"/etc/cdc/{name}"])
    text = Path(volumes["/etc/cdc/cdc.yaml"]).read_text()
    (tmp_path / "secret").write_text("hush")
    config = tmp_path / "cdc.yaml"
    config.write_text(text.replace("/run/secrets/source_password", str(tmp_path / "secret")))

    found = load(config, {})

    assert found.source.host in composed["services"]
    assert found.http.address[1] == 9108
    assert found.source.read_password() == "hush"
    assert "twitter.accounts_user" in {each.source for each in project_mappings(found, config)}


def test_prometheus_takes_its_configuration(promtool: Tool) -> None:
    path = DOCKER / "prometheus" / "prometheus.yml"

    done = promtool("check", "config", "--syntax-only", path)

    assert done.returncode == 0, done.stdout + done.stderr
