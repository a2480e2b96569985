"""Clocks that can be set: libfaketime in front of a process reads a file with its difference."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdc.errors import Unfit
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.packages import unpacked
from cdc_sandbox.servers.versions import Suites
from tests.end_to_end.support.nursery import nursery

PACKAGE: Final = Suites(("bookworm",), ("libfaketime",))
"""Of an old suite: what is preloaded asks for a libc no younger than the host's. An older one slows
MySQL down to a hundredth."""
READ_AGAIN_SECONDS: Final = 1


def library() -> Path | None:
    """Return the library, fetched the first time; None if it cannot be had."""
    cache = Cache.of_user()
    try:
        built = cache.obtain(
            "libfaketime@bookworm", lambda folder: unpacked(PACKAGE, folder / "root", cache)
        )
    except Unfit:
        return None
    return next(iter(sorted(built.folder.glob("root/usr/lib/*/faketime/libfaketime.so.1"))), None)


def preload(found: Path) -> None:
    """Have the daemons that this process will start read a clock, if they are told of one.

    They are forked, so what they are forked from is what the library is preloaded to.
    """
    before = dict(os.environ)
    os.environ.update(_settings(found))
    try:
        nursery()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settings(found: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else MySQL's threads wait too long for each other
        "FAKETIME_CACHE_DURATION": str(READ_AGAIN_SECONDS),
    }


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of whatever is started with `environment`; no other clock is touched."""

    library: Path
    file: Path

    def __post_init__(self) -> None:
        """Let it tell the time."""
        self.set(0)

    def set(self, seconds: int) -> None:
        """Have it differ by so much, a second later at the latest."""
        whole = self.file.with_suffix(".part")
        whole.write_text(f"{seconds:+d}")
        whole.rename(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process has in its environment that reads this clock."""
        return {**_settings(self.library), "FAKETIME_TIMESTAMP_FILE": str(self.file)}

    @property
    def prefix(self) -> list[str]:
        """Return the words before a command."""
        return ["env", *(f"{name}={value}" for name, value in self.environment.items())]
