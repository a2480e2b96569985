"""Small file systems for the data of servers, which can be made full at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SIZE: Final = 4 << 30
"""Bytes, in memory as far as they are used."""
PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system in memory, mounted at `folder`."""

    folder: Path

    def fill(self) -> None:
        """Leave no room: it is made as small as what it holds."""
        for _ in range(10):  # what is written meanwhile is in the way
            found = os.statvfs(self.folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            if self._resized(used + PAGE):
                return

    def free(self) -> None:
        """Have room again."""
        if not self._resized(SIZE):
            raise OSError(f"{self.folder} cannot be made larger")

    def _resized(self, size: int) -> bool:
        options = f"remount,size={size}"
        done = subprocess.run(
            ["mount", "-o", options, str(self.folder)], capture_output=True, check=False
        )
        return done.returncode == 0


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """Mount one, as the superuser alone may; take it away at the end."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    """Return whether this process may mount; it is tried below `folder`."""
    if os.geteuid() != 0:
        return False
    place = folder / f"mount-{os.getpid()}"
    try:
        with mounted(place):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        place.rmdir()
