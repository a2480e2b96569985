"""`cdc check`: tells whether source and target are fit, one finding a line."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.commands import config_option, output_option
from cdc.config import load


@click.command()
@config_option
@output_option
def check(config_path: Path, output: str) -> None:
    """Tell whether source, target and mappings are fit for replication."""
    load(config_path)
