"""Paths are short below the current folder, and whole elsewhere."""

import sys
from pathlib import Path

import pytest

from cdc.terminal.excerpts import excerpt
from cdc.terminal.paths import from_here, whole


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path.resolve() / "my (shop)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_path_below_begins_here(here: Path) -> None:
    text = f"{here}/mappings/a.yaml:3: wrong; see `{here}/b.yaml` or '{here}/c d.yaml'"

    assert from_here(text) == "mappings/a.yaml:3: wrong; see `b.yaml` or 'c d.yaml'"


def test_a_path_elsewhere_stays_whole(here: Path) -> None:
    text = f"{here}, {here}/, {here}-2/a.yaml, /mnt{here}/a.yaml, {here.parent}/a.yaml"

    assert from_here(text) == text


def test_nothing_is_below_the_root(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert from_here(f"{here}/a.yaml") == f"{here}/a.yaml"


def test_an_excerpt_stays_so_that_its_caret_does(here: Path) -> None:
    shown = excerpt(f"CONCAT('{here}/', a b)", len(f"CONCAT('{here}/', a "))

    assert from_here(f"{here}/a.yaml:1: wrong\n{shown}") == f"a.yaml:1: wrong\n{shown}"


def test_the_python_that_is_to_be_run_stays_whole(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", f"{here}/python3")

    assert from_here(f"run: {here}/python3 -m pip") == f"run: {here}/python3 -m pip"


def test_a_folder_that_is_gone_shortens_nothing(here: Path) -> None:
    here.rmdir()

    assert from_here(f"{here}/a.yaml") == f"{here}/a.yaml"
    assert whole(Path("a.yaml")) == Path("a.yaml")


def test_a_path_is_made_whole(here: Path) -> None:
    assert whole(Path("a.yaml")) == here / "a.yaml"
    assert whole(Path("../b/a.yaml")) == here.parent / "b" / "a.yaml"
    assert whole(here / "a.yaml") == here / "a.yaml"
