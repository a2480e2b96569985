"""`cdc mapping explain`: the functions that turn a table's rows into documents."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.commands import config_option
from cdc.commands.mapping.inputs import connected, load_all, mappings_of, table_maps
from cdc.mapping.compiler import compile_plan


@click.command()
@click.argument("table")
@config_option
def explain(table: str, config_path: Path) -> None:
    """Print the functions that turn TABLE's rows into documents.

    They are the ones for rows without NULLs; each other set of NULLs gets its own while running.
    TABLE is schema.table, or a glob as a mapping writes it.
    """
    config, mappings = load_all(config_path)
    with connected(config) as connection:
        for each in mappings_of(table, mappings):
            for table_map in table_maps(connection, each):
                if table not in (each.source, table_map.name):
                    continue
                click.echo(f"# {table_map.name} becomes {each.target}, by {each.origin.file}\n")
                click.echo(compile_plan(each, table_map).source)
