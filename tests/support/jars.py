"""Programs in Java that tests run, of jars that Maven fetches once into the user's cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cdc_sandbox.servers import maven
from cdc_sandbox.servers.cache import Cache


def jars_of(name: str, version: str, coordinates: Sequence[str]) -> Path:
    """Return the folder of a program's jars; raises Unfit where Maven or the program is not."""

    def fetch(folder: Path) -> str:
        jars = folder / "jars"
        jars.mkdir()
        maven.require(coordinates[0])
        with Cache.of_user().locked("maven"):
            maven.copy_all(coordinates, jars)
        return version

    return Cache.of_user().obtain(name, fetch).folder / "jars"
