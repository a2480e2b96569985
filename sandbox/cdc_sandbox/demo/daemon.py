"""The real daemon, in a process of its own, and how this installation of `cdc` is run again."""

from __future__ import annotations

import sys
from pathlib import Path

from cdc_sandbox.demo.folder import CONFIG_NAME
from cdc_sandbox.demo.supervised import ProgramFailed, Supervised


class DaemonFailed(ProgramFailed):
    """The daemon ended when it should not have."""


class Daemon(Supervised):
    """`cdc run`, with further arguments if any, on a folder's configuration; its log goes there."""

    failure = DaemonFailed

    def __init__(self, folder: Path, *arguments: str, name: str = "daemon") -> None:
        """Take a folder that holds `cdc.yaml`; nothing is started yet."""
        self.config = folder / CONFIG_NAME
        self._arguments = arguments
        super().__init__(f"the {name}", folder, self.command, folder / f"{name}.log")

    @property
    def command(self) -> list[str]:
        """Return what a user would type."""
        return cdc_command("run", "--config", str(self.config), *self._arguments)


def cdc_command(*arguments: str) -> list[str]:
    """Return the words of a `cdc` command, to be run or shown."""
    script = Path(sys.executable).with_name("cdc")
    if script.is_file():
        return [str(script), *arguments]
    return [sys.executable, "-c", "from cdc.cli import main; main()", *arguments]
