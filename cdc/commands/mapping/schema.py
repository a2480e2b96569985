"""`cdc mapping schema`: the language of mapping files, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.mapping.file.json_schema import json_schema_text


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this file instead of stdout.",
)
def schema(output: Path | None) -> None:
    """Print the JSON Schema of mapping files.

    Editors complete and check a file that begins with
    `# yaml-language-server: $schema=PATH`.
    """
    if output is None:
        click.echo(json_schema_text(), nl=False)
    else:
        output.write_text(json_schema_text(), encoding="utf-8")
