"""A folder into which packages were unpacked, and how to run a program of it on any host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit
from cdc_sandbox.servers.distribution import CONTAINERS


@dataclass(frozen=True, slots=True)
class Root:
    """An unpacked closure of packages, libc included."""

    path: Path

    @property
    def tree(self) -> Path:
        """Where a server lies that is no package but a tree of its own, with bin and share."""
        return self.path / "opt/server"

    def command(self, program: Path) -> list[str]:
        """Return the words that run `program` with this root's libraries, whatever the host has.

        The dynamic loader is started by name: the one that the program asks for is the host's.
        """
        return [str(self._loader()), "--library-path", self._library_path(), str(program)]

    def _loader(self) -> Path:
        for folder in self._library_folders():
            for loader in sorted(folder.glob("ld-linux*.so.*")):
                return loader
        raise Unfit(f"{self.path} holds no dynamic loader", remedy=f"delete it, or {CONTAINERS}")

    def _library_path(self) -> str:
        folders = [*self._library_folders(), self.path / "usr/lib/mysql/private"]
        own = [
            folder for folder in (self.tree / "lib/private", self.tree / "lib") if folder.exists()
        ]
        return ":".join(map(str, [*folders, *own]))

    def _library_folders(self) -> list[Path]:
        found = [*self.path.glob("usr/lib/*-linux-gnu"), *self.path.glob("lib/*-linux-gnu")]
        return [*sorted(found), *sorted(self.path.glob("lib64"))]
