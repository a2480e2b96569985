"""A Java to run a server on: the machine's own, or one from unpacked packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from cdc.errors import Unfit
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.distribution import CONTAINERS
from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.packages import unpacked
from cdc_sandbox.servers.versions import Suites

OLDEST: Final = 17
"""The least that a broker of Kafka 4 runs on."""

_PACKAGES: Final = Suites((), (r"openjdk-(17|21|25)-jre-headless",))


def java_command(cache: Cache) -> list[str]:
    """Return the words that run Java, which is fetched the first time if this machine has none."""
    if found := _own():
        return [found]
    root = Root(cache.obtain("jre", lambda folder: _build(folder, cache)).folder / "root")
    return root.command(_program(root.path))


def major(text: str) -> int:
    """Read what `java -version` prints: 17 of `version "17.0.15"`, 8 of `"1.8.0_412"`, or 0."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else 0


def _own() -> str | None:
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin/java")) if home else shutil.which("java")
    if program is None or not os.access(program, os.X_OK):
        return None
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    return program if major(done.stderr) >= OLDEST else None


def _build(folder: Path, cache: Cache) -> str:
    root = folder / "root"
    version = unpacked(_PACKAGES, root, cache)
    keep_links_inside(root, root / "usr/lib/jvm")
    _program(root)
    return version


def keep_links_inside(root: Path, folder: Path) -> None:
    """Have links below `folder` that name a place of the machine name that place of `root`.

    Debian keeps Java's settings in /etc, and links to them.
    """
    for path in folder.rglob("*"):
        if path.is_symlink() and (target := path.readlink()).is_absolute():
            path.unlink()
            # The cache moves what is built: only what is relative stays right.
            inside = root / target.relative_to("/")
            path.symlink_to(os.path.relpath(inside, path.parent))


def _program(root: Path) -> Path:
    for program in sorted(root.glob("usr/lib/jvm/java-*/bin/java")):
        return program
    raise Unfit(f"{root} holds no Java", remedy=f"apt-get install default-jre, or {CONTAINERS}")
