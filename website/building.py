"""Builds and serves what was laid out, by Zensical."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ZENSICAL = Path(sys.executable).with_name("zensical")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DETAILS = "Traceback (most recent call last):"
"""What Zensical prints behind its findings, about itself."""


def findings(folder: Path) -> str:
    """Build the site into `site`; return what is wrong with its links, empty if nothing is."""
    done = subprocess.run(
        [ZENSICAL, "build", "--clean", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    return COLOURS.sub("", done.stdout + done.stderr).partition(DETAILS)[0].rstrip()


@contextmanager
def server(folder: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the site, and build what changes in `docs` anew; in the end no process is left.

    What ends this process has to raise: a signal that kills it leaves the other one.
    """
    running = subprocess.Popen([ZENSICAL, "serve", "--dev-addr", address], cwd=folder)
    try:
        yield running
    finally:
        running.terminate()
        running.wait()
