"""Servers from packages: fetched, unpacked, and given an empty data folder to copy, once."""

from __future__ import annotations

import random
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import UsageError
from cdc.servers import mariadbd, mysqld
from cdc.servers.apt import Apt
from cdc.servers.cache import Cache
from cdc.servers.distribution import Distribution
from cdc.servers.flavour import Flavour
from cdc.servers.mariadbd import Mariadbd
from cdc.servers.mysqld import Mysqld
from cdc.servers.ports import LOOPBACK
from cdc.servers.root import Root
from cdc.servers.sql_program import SqlProgram, package

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


def installed(flavour: Flavour, cache: Cache) -> Installed:
    """Return the server of this flavour; the first time it is fetched and unpacked."""
    built = cache.obtain(flavour, lambda folder: _build(flavour, cache, folder))
    program = _program(flavour, built.folder)
    return Installed(flavour, program, built.folder / "data", built.version)


def unpacked(pattern: str, root: Path, cache: Cache) -> str:
    """Unpack a package and what it needs into `root`; return its version."""
    with cache.locked("apt"):
        return Apt(cache.folder / "apt", Distribution.current()).fetch(pattern, root)


def _build(flavour: Flavour, cache: Cache, folder: Path) -> str:
    version = unpacked(package(flavour), folder / "root", cache)
    password = secrets.token_urlsafe(12)
    data = folder / "data"
    _program(flavour, folder).initialise(data, password)
    save_password(data, password)
    return version


def _program(flavour: Flavour, folder: Path) -> SqlProgram:
    root = Root(folder / "root")
    return Mysqld(root) if flavour == "mysql" else Mariadbd(root)
