"""Finished servers on disk, one folder a kind and version, built once and never changed after."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Built:
    """A finished entry of the cache."""

    folder: Path
    version: str


@dataclass(frozen=True, slots=True)
class Cache:
    """Entries named `<kind>-<version>` under one folder."""

    folder: Path

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> Cache:
        """Return the cache of the user, where the XDG base directory specification puts it."""
        home = environment.get("XDG_CACHE_HOME", "")
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
        return cls(base / "cdc" / "servers")

    def newest(self, kind: str) -> Built | None:
        """Return the entry of this kind that was built last."""
        entries = [path for path in self.folder.glob(f"{kind}-[0-9]*") if path.is_dir()]
        if not entries:
            return None
        folder = max(entries, key=lambda path: path.stat().st_mtime)
        return Built(folder, folder.name.removeprefix(f"{kind}-"))

    def obtain(self, kind: str, build: Callable[[Path], str]) -> Built:
        """Return the newest entry, or let `build` fill an empty folder and tell its version.

        Readers never see a half-built entry, and two processes never build at once.
        """
        if found := self.newest(kind):
            return found
        with self.locked(kind):
            return self.newest(kind) or self._build(kind, build)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of this name among all processes of the user."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _build(self, kind: str, build: Callable[[Path], str]) -> Built:
        for abandoned in self.folder.glob(f".{kind}-*"):
            shutil.rmtree(abandoned)
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".{kind}-"))
        try:
            version = build(folder)
            os.utime(folder)
            finished = folder.rename(self.folder / f"{kind}-{version}")
        except BaseException:
            shutil.rmtree(folder)
            raise
        return Built(finished, version)
