"""Servers from packages: fetched, unpacked, and given an empty data folder to copy, once."""

from __future__ import annotations

import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdc.servers.apt import Apt
from cdc.servers.cache import Cache
from cdc.servers.distribution import Distribution
from cdc.servers.flavour import Flavour
from cdc.servers.mariadbd import Mariadbd
from cdc.servers.mysqld import Mysqld
from cdc.servers.root import Root
from cdc.servers.sql_program import SqlProgram, package

PASSWORD_FILE = "cdc-password"


@dataclass(frozen=True, slots=True)
class Installed:
    """A server of the cache, ready to run."""

    program: SqlProgram
    template: Path
    version: str

    def new_data(self, data: Path) -> None:
        """Make `data` an empty database of its own."""
        # cp shares the blocks where the file system can, and keeps holes.
        subprocess.run(["cp", "-a", "--reflink=auto", f"{self.template}/.", data], check=True)


def installed(flavour: Flavour, cache: Cache) -> Installed:
    """Return the server of this flavour; the first time it is fetched and unpacked."""
    built = cache.obtain(flavour, lambda folder: _build(flavour, cache, folder))
    return Installed(_program(flavour, built.folder), built.folder / "data", built.version)


def unpacked(pattern: str, root: Path, cache: Cache) -> str:
    """Unpack a package and what it needs into `root`; return its version."""
    with cache.locked("apt"):
        return Apt(cache.folder / "apt", Distribution.current()).fetch(pattern, root)


def _build(flavour: Flavour, cache: Cache, folder: Path) -> str:
    version = unpacked(package(flavour), folder / "root", cache)
    password = secrets.token_urlsafe(12)
    data = folder / "data"
    _program(flavour, folder).initialise(data, password)
    (data / PASSWORD_FILE).touch(mode=0o600)
    (data / PASSWORD_FILE).write_text(password)
    return version


def _program(flavour: Flavour, folder: Path) -> SqlProgram:
    root = Root(folder / "root")
    return Mysqld(root) if flavour == "mysql" else Mariadbd(root)
