"""What MySQL and MariaDB have in common when they come from unpacked packages."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cdc.servers.flavour import Flavour
from cdc.servers.process import ServerFailed
from cdc.servers.root import Root

USER = "root"


class SqlProgram(Protocol):
    """An unpacked server program."""

    @property
    def root(self) -> Root:
        """Where it was unpacked."""

    def initialise(self, data: Path, password: str) -> None:
        """Fill a data folder that does not exist yet, with a root who has this password."""

    def command(self) -> list[str]:
        """Return the words that any use of the program begins with."""


def package(flavour: Flavour) -> str:
    """Return a pattern of the package's names: some suites have their version in the name."""
    return rf"{flavour}-server-core(-[\d.]+)?"


def account_options() -> list[str]:
    """Return what the servers ask for before they run as the superuser."""
    return ["--user=root"] if os.geteuid() == 0 else []


def account(password: str) -> str:
    """Return statements, a line each, that let root in with a password from everywhere."""
    statements = (
        f"ALTER USER {USER}@localhost IDENTIFIED BY '{password}';",
        f"CREATE USER {USER}@'%' IDENTIFIED BY '{password}';",
        f"GRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;",
    )
    return "\n".join(statements) + "\n"


def run_once(command: Sequence[str], script: str = "") -> None:
    """Run a program to its end, feeding it a script."""
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        output = (done.stdout + done.stderr).splitlines()[-30:]
        raise ServerFailed("\n".join(["an empty database could not be made:", *output]))
