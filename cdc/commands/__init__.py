"""The commands of the command-line, one module each."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from cdc.terminal.spelling import Spelling


def _noted(ctx: click.Context, parameter: click.Parameter, path: Path) -> Path:
    """Remember a file that was typed: printed commands must name it too."""
    source = ctx.get_parameter_source(str(parameter.name))
    if source is ParameterSource.COMMANDLINE and (found := ctx.find_object(Spelling)):
        found.config_path = path
    return path


config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CDC_CONFIG",
    default=Path("config/cdc.yaml"),
    show_default=True,
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
