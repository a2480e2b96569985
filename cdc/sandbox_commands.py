"""The commands that the sandbox adds: found by entry points, and missed in one sentence."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import entry_points
from typing import Final, NoReturn

import click

from cdc.errors import UsageError

GROUP: Final = "cdc.commands"
"""The entry points' group; each one's name is that of its command."""

SUMMARIES: Final = {
    "demo": "See it work on servers of its own.",
    "servers": "Start and stop real servers to try it on.",
}
_DISTRIBUTION: Final = "mysql-mongodb-cdc-sandbox"


def find(name: str) -> click.Command:
    """Return a command of the sandbox, or one that only says why there is none."""
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        return _refusing(
            name,
            UsageError(
                f"`cdc {name}` comes with {_DISTRIBUTION}, which is not installed here",
                remedy=f"in a checkout of cdc: {_pip_install('./sandbox')}",
            ),
        )
    try:
        command: click.Command = found.load()
    except Exception as error:  # noqa: BLE001 - another distribution: it may raise anything
        return _refusing(
            name,
            UsageError(
                f"`cdc {name}` of {_DISTRIBUTION} cannot be loaded:"
                f" {type(error).__name__}: {error}",
                remedy=f"in a checkout of cdc: {_pip_install('.', './sandbox')}",
            ),
        )
    return command


def _refusing(name: str, error: UsageError) -> click.Command:
    """Return a command that takes whatever is typed, and fails: completion and help go on."""

    def refuse() -> NoReturn:
        raise error

    return click.Command(
        name,
        callback=refuse,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        short_help=SUMMARIES[name],
    )


def _pip_install(*what: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", *what])
