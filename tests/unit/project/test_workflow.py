from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdc_sandbox.servers import versions

ROOT = Path(__file__).parents[3]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MAKE = re.compile(r"^\$ make ([a-z-]+)", re.MULTILINE)
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
]


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return found


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("workflows/ci.yml", "vendor.github-workflows"),
        ("workflows/ci.yml", "custom.github-workflows-require-timeout"),
        ("ISSUE_TEMPLATE/config.yml", "vendor.github-issue-config"),
    ],
)
def test_what_the_hosted_service_reads_is_of_its_schema(file: str, schema: str) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")

    done = subprocess.run(
        [checker, "--builtin-schema", schema, ROOT / ".github" / file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def steps(jobs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in jobs.values():
        yield from job["steps"]


def test_the_workflow_runs_what_runs_anywhere(jobs: dict[str, Any]) -> None:
    commands = [step.get("run", "") for step in steps(jobs)]

    assert ".ci/run" in commands
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_each_target_that_the_workflow_makes_is_one(jobs: dict[str, Any]) -> None:
    commands = [step.get("run", "") for step in steps(jobs)]

    made = [match[1] for command in commands if (match := re.match(r"make ([a-z-]+)", command))]

    assert len(made) >= 3
    assert set(made) <= TARGETS


def test_each_set_of_servers_can_be_had(jobs: dict[str, Any]) -> None:
    sets = jobs["servers"]["strategy"]["matrix"]["servers"]

    asked = [versions.parse(each) for each in sets]

    assert len(sets) >= 4
    assert all(set(each) == {"mysql", "mariadb", "mongo"} for each in asked)


def test_every_python_that_the_package_names_is_checked(jobs: dict[str, Any]) -> None:
    named = re.findall(r'Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())

    assert jobs["check"]["strategy"]["matrix"]["python"] == named


def test_each_action_is_pinned_by_its_major_version(jobs: dict[str, Any]) -> None:
    used = [step["uses"] for step in steps(jobs) if "uses" in step]

    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in used)


def test_each_hook_runs_a_program_of_the_checkout_s_own_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [each["repo"] for each in hooks] == ["local"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks[0]["hooks"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_target_that_a_document_types_is_one(path: Path) -> None:
    assert set(MAKE.findall(path.read_text())) <= TARGETS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_that_a_document_links_to_is_there(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text())

    assert [each for each in links if not (path.parent / each).exists()] == []
