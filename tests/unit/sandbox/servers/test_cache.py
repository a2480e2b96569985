from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdc_sandbox.servers.cache import Cache


def build(folder: Path) -> str:
    (folder / "program").write_text("here")
    return "9.7.4"


def test_the_cache_is_where_the_user_keeps_caches(tmp_path: Path) -> None:
    cache = Cache.of_user({"XDG_CACHE_HOME": str(tmp_path)})

    assert cache.folder == tmp_path / "cdc" / "servers"


@pytest.mark.parametrize("environment", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "here"}])
def test_without_an_absolute_xdg_folder_the_home_folder_serves(
    environment: dict[str, str],
) -> None:
    assert Cache.of_user(environment).folder == Path.home() / ".cache" / "cdc" / "servers"


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = cache.obtain("mysql", build)

    second = cache.obtain("mysql", lambda _: pytest.fail("built again"))

    assert first == second
    assert (first.folder / "program").read_text() == "here"
    assert first.version == "9.7.4"


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(folder: Path) -> str:
        (folder / "half").touch()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.obtain("mysql", fail)

    assert [path.name for path in tmp_path.iterdir()] == ["mysql.lock"]
    assert cache.newest("mysql") is None


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    abandoned = tmp_path / ".mysql-abandoned"
    abandoned.mkdir()

    Cache(tmp_path).obtain("mysql", build)

    assert not abandoned.exists()


def test_the_entry_that_was_built_last_wins(tmp_path: Path) -> None:
    for version, age in (("9.10.0", 1), ("9.7.4", 2), ("10.0.0", 3)):
        entry = tmp_path / f"mysql-{version}"
        entry.mkdir()
        os.utime(entry, (1_000_000 - age, 1_000_000 - age))

    newest = Cache(tmp_path).newest("mysql")

    assert newest is not None
    assert newest.version == "9.10.0"
