"""Artifacts of Maven Central, fetched by Maven's own client with the machine's own settings."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from cdc.errors import Unfit
from cdc_sandbox.servers import fetching
from cdc_sandbox.servers.distribution import CONTAINERS

_PROGRESS: Final = re.compile(r"Progress \(\d+\): (?:\S+ \()?([\d.]+)/([\d.]+) (MB|GB)")


def require(coordinates: str) -> None:
    """Raise Unfit where there is no Maven."""
    if not shutil.which("mvn"):
        raise Unfit(
            f"{coordinates} is fetched with Maven, and mvn is not installed",
            remedy=f"apt-get install maven, or {CONTAINERS}",
        )


def copy(coordinates: str, folder: Path) -> Path:
    """Put one artifact into a folder, and return its jar."""
    arguments = (f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}")
    _run(coordinates, "dependency:copy", *arguments)
    return next(folder.glob("*.jar"))


def copy_all(coordinates: Sequence[str], folder: Path) -> None:
    """Put artifacts and all that they need at run time into a folder."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as project:
        pom = Path(project) / "pom.xml"
        pom.write_text(_project(coordinates))
        arguments = ("-DincludeScope=runtime", f"-DoutputDirectory={folder}")
        _run(coordinates[0], f"--file={pom}", "dependency:copy-dependencies", *arguments)


def check(folder: Path, sums: Mapping[str, str]) -> None:
    """Raise Unfit unless a folder holds exactly these files, with these SHA-256 in hex."""
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.iterdir()}
    if found != sums:
        others = sorted(name for name, _ in found.items() ^ sums.items())
        raise Unfit(
            f"Maven fetched another {others[0]} than the one that is known",
            remedy=f"delete it in ~/.m2/repository and try again, or {CONTAINERS}",
        )


def read_sums(text: str) -> dict[str, str]:
    """Read what sha256sum prints: for each file its sum."""
    rows = (line.split() for line in text.splitlines())
    return {name: digest for digest, name in rows}


def arrived(output: str) -> tuple[float, float]:
    """Read Maven's own progress, which it gives a file after the other, the large one last."""
    found = _PROGRESS.findall(output)
    if not found:
        return 0, 0
    number, total, unit = found[-1]
    return fetching.size(number, unit), fetching.size(total, unit)


def _run(what: str, *arguments: str) -> None:
    done = fetching.run(what, ["mvn", "-Dstyle.color=never", *arguments], arrived)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = (errors or ["mvn failed"])[0]
        raise Unfit(
            f"Maven could not fetch {what}: {reason}",
            remedy=f"connect this machine to Maven Central once, or {CONTAINERS}",
        )


def _project(coordinates: Sequence[str]) -> str:
    """Return a project of nothing but dependencies, each `group:artifact:version`."""
    tags = ("groupId", "artifactId", "version")
    dependencies = [
        "".join(
            f"<{tag}>{escape(word)}</{tag}>" for tag, word in zip(tags, it.split(":"), strict=True)
        )
        for it in coordinates
    ]
    inside = "".join(f"<dependency>{it}</dependency>" for it in dependencies)
    return (
        "<project><modelVersion>4.0.0</modelVersion>"
        "<groupId>cdc</groupId><artifactId>servers</artifactId><version>1</version>"
        f"<dependencies>{inside}</dependencies></project>"
    )
