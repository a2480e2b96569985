"""The website of the documentation: what it shows, and that a link to nowhere is noticed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

from cdc_sandbox.servers.ports import free_port
from tests.support.checkout import ROOT
from tests.support.waiting import eventually
from website.building import findings, server
from website.repository import NoPage, file_at, place
from website.staging import stage

CONFIGURATION = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def entries(navigation: list[Any]) -> Iterator[str]:
    """Yield each page of the navigation."""
    for entry in navigation:
        match entry:
            case str():
                yield entry
            case dict():
                for value in entry.values():
                    yield from [value] if isinstance(value, str) else entries(value)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("website")
    stage(folder)
    return folder


def test_every_page_of_docs_is_in_the_navigation_once() -> None:
    pages = [
        str(place(PurePosixPath(path.relative_to(ROOT))))
        for path in ROOT.glob("docs/**/*.md")
        if path.parent.name != "decisions" or path.name == "README.md"
    ]

    named = [entry for entry in entries(CONFIGURATION["nav"]) if "repository/" not in entry]

    assert sorted(named) == sorted(pages)


def test_every_entry_of_the_navigation_is_there(staged: Path) -> None:
    missing = [
        entry for entry in entries(CONFIGURATION["nav"]) if not (staged / "docs" / entry).is_file()
    ]

    assert missing == []


def test_a_file_of_the_repository_that_a_page_links_to_has_a_page(staged: Path) -> None:
    operations = (staged / "docs" / "operations.md").read_text()
    unit = (staged / "docs" / "repository" / "config" / "cdc.service.md").read_text()

    assert "](repository/config/cdc.service.md)" in operations
    assert unit.startswith("# config/cdc.service\n")
    assert (ROOT / "config" / "cdc.service").read_text().rstrip() in unit


def test_the_decisions_are_listed(staged: Path) -> None:
    page = (staged / "docs" / "decisions" / "index.md").read_text()

    listed = page.count("\n* [")

    assert listed == len(list(ROOT.glob("docs/decisions/[0-9]*.md")))


def test_a_second_layout_writes_nothing_that_is_so_already(staged: Path) -> None:
    written = {path: path.stat().st_mtime_ns for path in staged.rglob("*") if path.is_file()}
    stray = staged / "docs" / "gone.md"
    stray.write_text("of an earlier edit")

    stage(staged)

    now = {path: path.stat().st_mtime_ns for path in staged.rglob("*") if path.is_file()}
    assert now == written


@pytest.mark.parametrize(
    ("link", "told"),
    [("configuration.md#nowhere", "anchor does not exist"), ("nowhere.md", "page does not exist")],
)
def test_a_link_to_nowhere_is_told_with_its_page(tmp_path: Path, link: str, told: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nuse_directory_urls: false\n")
    (tmp_path / "docs" / "index.md").write_text(f"# A\n\n[b]({link})\n")
    (tmp_path / "docs" / "configuration.md").write_text("# B\n\n## Privileges\n")

    found = findings(tmp_path)

    assert told in found
    assert "index.md:3" in found
    assert "Traceback" not in found


def test_each_class_that_the_style_sheet_names_is_one_of_the_theme(tmp_path: Path) -> None:
    style = (ROOT / "docs" / "stylesheets" / "extra.css").read_text()
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n")
    (tmp_path / "docs" / "index.md").write_text("# A\n\n```console\n$ b  # c\nd\n```\n")

    assert findings(tmp_path) == ""
    built = "".join(
        path.read_text()
        for path in (tmp_path / "site").rglob("*")
        if path.suffix in {".html", ".css", ".js"}
    )
    named = set(re.findall(r"\.([a-z][\w-]*)", style))
    assert named - set(re.findall(r"(?<=[\"'. ])[a-z][\w-]*(?=[\"'.: ,>{)])", built)) == set()


def test_the_site_is_served_and_an_edit_shows(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n")
    page = tmp_path / "docs" / "index.md"
    page.write_text("# Before\n")
    address = f"127.0.0.1:{free_port()}"

    with server(tmp_path, address) as running:
        eventually(lambda: shows(address, "Before"))
        page.write_text("# Behind\n")
        eventually(lambda: shows(address, "Behind"))

    assert running.returncode is not None


def shows(address: str, text: str) -> bool:
    """Return whether the first page has this; not yet if nothing answers."""
    try:
        with urlopen(f"http://{address}/", timeout=5) as answer:
            return text in answer.read().decode()
    except URLError:
        return False


def test_a_link_out_of_the_repository_has_no_page() -> None:
    with pytest.raises(NoPage, match="leaves the repository"):
        file_at(PurePosixPath("docs/page.md"), "../../etc/passwd")


def test_a_link_to_a_folder_leads_to_its_readme_or_to_no_page() -> None:
    page = PurePosixPath("CONTRIBUTING.md")

    assert file_at(page, "docs/decisions") == PurePosixPath("docs/decisions/README.md")
    with pytest.raises(NoPage, match=r"links to config/README\.md, which is not there"):
        file_at(page, "config")


def test_a_link_to_a_file_that_is_gone_is_told_with_its_page() -> None:
    with pytest.raises(NoPage, match=r"docs/native\.md links to docs/gone\.md"):
        file_at(PurePosixPath("docs/native.md"), "gone.md")
