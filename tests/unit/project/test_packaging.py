from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from cdc import DISTRIBUTION
from cdc.terminal.pages import page_in

ROOT = Path(__file__).parents[3]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9-]+)==([^\s;]+)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def sandbox() -> dict[str, Any]:
    return tomllib.loads((ROOT / "sandbox" / "pyproject.toml").read_text())


def wheel(folder: Path, into: Path) -> set[str]:
    """Build a distribution and return the files of its wheel."""
    with ZipFile(built(folder, "wheel", into)) as archive:
        return set(archive.namelist())


def built(folder: Path, target: str, into: Path) -> Path:
    """Return the archive that hatchling makes of a distribution."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", into],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return next(into.iterdir())


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


def test_the_native_module_is_of_the_same_version(project: dict[str, Any]) -> None:
    version = project["project"]["version"]

    for file, table in (("pyproject.toml", "project"), ("Cargo.toml", "package")):
        native = tomllib.loads((ROOT / "native" / file).read_text())
        assert native[table]["version"] == version


def test_the_sandbox_is_of_the_same_version_and_asks_for_it(
    project: dict[str, Any], sandbox: dict[str, Any]
) -> None:
    name, version = project["project"]["name"], project["project"]["version"]
    other = sandbox["project"]["name"]

    assert sandbox["project"]["version"] == version
    assert f"{name}=={version}" in sandbox["project"]["dependencies"]
    assert project["project"]["optional-dependencies"]["sandbox"] == [f"{other}=={version}"]


def test_the_sandbox_asks_for_no_other_versions_than_cdc(
    project: dict[str, Any], sandbox: dict[str, Any]
) -> None:
    mine = {re.sub(r"\[.*]", "", each) for each in project["project"]["dependencies"]}
    names = {normalized(each) for each in mine}

    shared = {each for each in sandbox["project"]["dependencies"] if normalized(each) in names}

    assert shared <= mine


def test_the_wheel_of_the_daemon_holds_nothing_of_the_sandbox(tmp_path: Path) -> None:
    files = wheel(ROOT, tmp_path)

    packages = {name.split("/")[0] for name in files if ".dist-info/" not in name}
    assert packages == {"cdc"}
    assert not {name for name in files if re.search(r"demo|servers|cdc_sandbox", name)}


def test_the_wheel_of_the_sandbox_holds_all_that_the_demo_reads(tmp_path: Path) -> None:
    files = wheel(ROOT / "sandbox", tmp_path)

    packages = {name.split("/")[0] for name in files if ".dist-info/" not in name}
    assert packages == {"cdc_sandbox"}
    assert {
        "cdc_sandbox/py.typed",
        "cdc_sandbox/demo/schema.sql",
        "cdc_sandbox/demo/mappings/users.yaml",
        "cdc_sandbox/demo/mappings/tweets.yaml",
        "cdc_sandbox/servers/jars/kafka-4.4.0.sha256",
    } <= files


def test_the_source_archive_has_the_pages_that_messages_name(tmp_path: Path) -> None:
    with tarfile.open(built(ROOT, "sdist", tmp_path)) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}

    named = ("reference/errors", "configuration", "expressions", "mapping", "observing")
    assert {page_in([], each) for each in named} <= files


def test_both_have_the_same_licence() -> None:
    assert (ROOT / "sandbox" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


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


def test_what_the_project_asks_for_is_pinned_at_one_version(
    project: dict[str, Any], sandbox: dict[str, Any]
) -> None:
    everything, run, portal = pinned("dev.txt"), pinned("run.txt"), pinned("portal.txt")
    demo, kafka = pinned("sandbox.txt"), pinned("kafka.txt")
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]

    asked = {normalized(each) for each in project["project"]["dependencies"]}
    asked_here = {normalized(each) for each in groups["dev"] if isinstance(each, str)}

    assert asked <= set(run)
    assert {normalized(each) for each in extras["portal"]} <= set(portal)
    assert {normalized(each) for each in extras["kafka"]} <= set(kafka)
    assert asked_here <= set(everything)
    extra = sandbox["project"]["optional-dependencies"]["containers"]
    assert sandbox["project"]["optional-dependencies"]["kafka"] == extras["kafka"]
    assert {normalized(each) for each in extra} <= set(everything)
    asked = {normalized(each) for each in sandbox["project"]["dependencies"]}
    assert asked - {DISTRIBUTION} <= set(demo)
    assert demo.items() <= everything.items()
    assert run.items() <= kafka.items() <= everything.items()
    assert portal.items() <= everything.items()


def test_what_builds_the_package_is_pinned_as_it_is_asked_for(project: dict[str, Any]) -> None:
    build = project["build-system"]["requires"]

    assert project["dependency-groups"]["build"] == build
    assert {normalized(each) for each in build} <= set(pinned("build.txt"))
