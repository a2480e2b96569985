"""The real daemon, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from cdc_sandbox.demo.folder import CONFIG_NAME
from cdc_sandbox.demo.program import cdc_command
from cdc_sandbox.demo.supervised import ProgramFailed, Supervised


class DaemonFailed(ProgramFailed):
    """The daemon ended when it should not have."""


class Daemon(Supervised):
    """`cdc run` on the configuration of a folder; its log goes there too."""

    failure = DaemonFailed

    def __init__(self, folder: Path) -> None:
        """Take a folder that holds `cdc.yaml`; nothing is started yet."""
        self.config = folder / CONFIG_NAME
        super().__init__("the daemon", folder, self.command, folder / "daemon.log")

    @property
    def command(self) -> list[str]:
        """Return what a user would type."""
        return cdc_command("run", "--config", str(self.config))
