"""The commands of the command-line, one module each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from cdc.terminal.spelling import Spelling

_UNCUT: Final = 1_000
"""Letters of a first sentence, at most."""


class Group(click.Group):
    """A command with subcommands, each listed with the whole of its first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        commands = sorted(self.commands.items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(_UNCUT)) for name, each in commands])


def _noted(ctx: click.Context, parameter: click.Parameter, path: Path) -> Path:
    """Remember a file that was typed: printed commands must name it too."""
    source = ctx.get_parameter_source(str(parameter.name))
    if source is ParameterSource.COMMANDLINE and (found := ctx.find_object(Spelling)):
        found.config_path = path
    return path


_HERE: Final = Path("cdc.yaml")
_IN_A_CHECKOUT: Final = Path("config/cdc.yaml")


def _default() -> Path:
    return _IN_A_CHECKOUT if _IN_A_CHECKOUT.is_file() and not _HERE.is_file() else _HERE


config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CDC_CONFIG",
    default=_default,
    show_default=f"{_HERE} if it is there, else {_IN_A_CHECKOUT}",
    show_envvar=True,
    help="The configuration file.",
    callback=_noted,
)
"""`--config`, the same for every command; the command's parameter is `config_path: Path`."""

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What stdout carries: lines for people, or JSON.",
)
"""`--output`, for commands whose answer a program may read."""
