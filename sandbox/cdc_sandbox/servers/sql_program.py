"""What MySQL and MariaDB have in common when they come from unpacked packages."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cdc_sandbox.servers.package_root import Root
from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.versions import Flavour

USER = "root"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the parts of a server program lie."""

    program: Path
    base: Path
    share: Path
    plugins: Path

    @classmethod
    def of(cls, root: Root, program: str, *shares: str) -> Files:
        """Find a program as packages lay it out, or in a tree of its own.

        `shares` are the folders of usr/share that may hold what belongs to it.
        """
        if (tree := root.tree).exists():
            return cls(tree / "bin" / program, tree, tree / "share", tree / "lib/plugin")
        usr = root.path / "usr"
        share = next((found for it in shares if (found := usr / "share" / it).exists()), usr)
        return cls(usr / "sbin" / program, usr, share, usr / "lib/mysql/plugin")

    def options(self) -> list[str]:
        """Return the options that tell the program."""
        return [
            f"--basedir={self.base}",
            f"--lc-messages-dir={self.share}",
            f"--character-sets-dir={self.share}/charsets",
            f"--plugin-dir={self.plugins}",
        ]


class SqlProgram(Protocol):
    """An unpacked server program."""

    @property
    def root(self) -> Root:
        """Where it was unpacked."""

    def initialise(self, data: Path, password: str) -> None:
        """Fill a data folder that does not exist yet, with a root who has this password."""

    def command(self) -> list[str]:
        """Return the words that any use of the program begins with."""


def told_version(command: Sequence[str]) -> str:
    """Ask a program for its version: `Ver 8.0.31 for Linux`, `Ver 11.4.5-MariaDB for …`."""
    text = run_once([*command, "--version"])
    return text.split(" Ver ", 1)[-1].split()[0].split("-")[0]


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


def run_once(command: Sequence[str], script: str = "") -> str:
    """Run a program to its end, feeding it a script; return what it printed."""
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        output = (done.stdout + done.stderr).splitlines()[-30:]
        raise ServerFailed("\n".join(["the server could not be prepared:", *output]))
    return done.stdout
