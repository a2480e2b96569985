"""How to run this very installation of `cdc` once more."""

from __future__ import annotations

import sys
from pathlib import Path


def cdc_command(*arguments: str) -> list[str]:
    """Return the words of a `cdc` command, to be run or shown."""
    script = Path(sys.executable).with_name("cdc")
    if script.is_file():
        return [str(script), *arguments]
    return [sys.executable, "-c", "from cdc.cli import main; main()", *arguments]
