"""Rewrites the paths in a text for whoever reads it: short below the current folder, else whole.

Errors and findings hold whole paths, since some are stored or logged, and read elsewhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cdc.terminal.excerpts import INDENT


def whole(path: Path) -> Path:
    """Return the path from the root on; as it is if the current folder is gone."""
    try:
        return Path(path.parent.resolve(), path.name) if ".." in path.parts else path.absolute()
    except OSError:
        return path


def from_here(text: object) -> str:
    """Return a text whose paths below the current folder begin there.

    Excerpts stay as they are, and so does the path of this Python, which is there to be run.
    """
    here = _here()
    if not here:
        return str(text)
    python = re.escape(sys.executable.removeprefix(f"{here}/"))
    below = re.compile(rf"(?<![\w/.~-]){re.escape(here)}/(?!{python})(?=[^\s/,;:'\"`)])")
    lines = str(text).split("\n")
    return "\n".join(line if line.startswith(INDENT) else below.sub("", line) for line in lines)


def _here() -> str:
    """Return the current folder, "" if it is the root, or gone."""
    try:
        return str(Path.cwd()).rstrip("/")
    except OSError:
        return ""
