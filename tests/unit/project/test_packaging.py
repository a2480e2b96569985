from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cdc import DISTRIBUTION

ROOT = Path(__file__).parents[3]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9-]+)==([^\s;]+)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pinned(name: str) -> dict[str, str]:
    """Each package of a file of pins, and its version."""
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := PIN.match(line))}


def normalized(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[._-]+", "-", name[0]).lower()


def test_the_version_is_looked_up_under_the_name_of_the_distribution(
    project: dict[str, Any],
) -> None:
    assert project["project"]["name"] == DISTRIBUTION


def test_the_changelog_has_the_version_and_keeps_a_place_for_what_comes(
    project: dict[str, Any],
) -> None:
    version = re.escape(project["project"]["version"])

    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{version} - \d{{4}}-\d\d-\d\d", headings[1])


@pytest.mark.parametrize("package", ["cdc", "sandbox/cdc_sandbox"])
def test_those_who_import_the_package_get_its_types(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_each_pin_has_hashes_and_no_file_of_pins_names_an_index(path: Path) -> None:
    lines = path.read_text().splitlines()
    code = [line for line in lines if not line.startswith("#")]

    others = [line for line in code if not PIN.match(line) and not HASH.match(line)]
    hashless = [
        line
        for line, after in zip(code, [*code[1:], ""], strict=True)
        if PIN.match(line) and not HASH.match(after)
    ]

    assert others == []
    assert hashless == []
    assert "/" not in path.read_text()


def test_what_the_project_asks_for_is_pinned_at_one_version(project: dict[str, Any]) -> None:
    everything, run, portal = pinned("dev.txt"), pinned("run.txt"), pinned("portal.txt")
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]

    asked = {normalized(each) for each in project["project"]["dependencies"]}
    asked_here = {normalized(each) for each in groups["dev"] if isinstance(each, str)}

    assert asked <= set(run)
    assert {normalized(each) for each in extras["portal"]} <= set(portal)
    assert asked_here <= set(everything)
    assert run.items() <= everything.items()
    assert portal.items() <= everything.items()


def test_what_builds_the_package_is_pinned_as_it_is_asked_for(project: dict[str, Any]) -> None:
    build = project["build-system"]["requires"]

    assert project["dependency-groups"]["build"] == build
    assert {normalized(each) for each in build} <= set(pinned("build.txt"))
