"""A folder into which packages were unpacked, and how to run a program of it on any host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit
from cdc.servers.distribution import CONTAINERS


@dataclass(frozen=True, slots=True)
class Root:
    """An unpacked closure of packages, libc included."""

    path: Path

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
        return ":".join(str(folder) for folder in folders)

    def _library_folders(self) -> list[Path]:
        found = [*self.path.glob("usr/lib/*-linux-gnu"), *self.path.glob("lib/*-linux-gnu")]
        return [*sorted(found), *sorted(self.path.glob("lib64"))]
