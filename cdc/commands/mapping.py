"""`cdc mapping`: checks mapping files and shows what they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from cdc.columns import TableMap
from cdc.commands import config_option
from cdc.config import Config, load
from cdc.errors import UsageError
from cdc.mapping.compiler import compile_plan
from cdc.mapping.mistakes import MappingError, Mistake, did_you_mean
from cdc.mapping.model import Mapping, load_mappings
from cdc.readers import source
from cdc.readers.schema import describe_table

QUERY_SECONDS: Final = 30.0


@click.group()
def mapping() -> None:
    """Check mappings and see what they do."""


@mapping.command()
@config_option
@click.option("--offline", is_flag=True, help="Check the files alone, without the source.")
def check(config_path: Path, offline: bool) -> None:
    """Tell every mistake in the mapping files, each with file and line.

    The files are checked against the source's tables, unless --offline. Exits 2 on a mistake.
    """
    config, mappings = _load(config_path)
    if not offline:
        _check_tables(config, mappings)
    for each in mappings:
        click.echo(f"{each.origin.file}: {each.source} becomes {each.target}")


@mapping.command()
@click.argument("table")
@config_option
def explain(table: str, config_path: Path) -> None:
    """Print the functions that turn TABLE's rows into documents.

    They are the ones for rows without NULLs; each other set of NULLs gets its own while running.
    """
    config, mappings = _load(config_path)
    chosen = [each for each in mappings if each.source == table]
    if not chosen:
        known = did_you_mean(table, [each.source for each in mappings])
        raise UsageError(f"no mapping has the source {table}{known}")
    with _connected(config) as connection:
        for each in chosen:
            click.echo(f"# {each.source} becomes {each.target}, by {each.origin.file}\n")
            click.echo(compile_plan(each, _columns(connection, each)).source)


def _load(config_path: Path) -> tuple[Config, tuple[Mapping, ...]]:
    config = load(config_path)
    return config, load_mappings(config.mappings, relative_to=config_path.resolve().parent)


def _check_tables(config: Config, mappings: Iterable[Mapping]) -> None:
    mistakes: list[Mistake] = []
    with _connected(config) as connection:
        for each in mappings:
            try:
                compile_plan(each, _columns(connection, each))
            except MappingError as error:
                mistakes += error.mistakes
    if mistakes:
        raise MappingError(mistakes)


@contextmanager
def _connected(config: Config) -> Iterator[source.SourceConnection]:
    connection = source.connect(config.source, read_timeout=QUERY_SECONDS)
    try:
        yield connection
    finally:
        source.close(connection)


def _columns(connection: source.SourceConnection, each: Mapping) -> TableMap:
    schema, _, table = each.source.partition(".")
    columns = describe_table(connection, schema, table)
    if columns is None:
        what = f"the source has no table {each.source} that its user may read"
        raise MappingError([each.origin.mistake(("source",), what)])
    return columns
