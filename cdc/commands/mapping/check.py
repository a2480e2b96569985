"""`cdc mapping check`: every mistake in the mapping files, with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from cdc.commands import config_option, output_option
from cdc.commands.mapping.inputs import connected, table_maps
from cdc.config import Config, load
from cdc.errors import CdcError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.embed_links import Compiled, link_mistakes
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError, Problem
from cdc.mapping.file.project import read_project_mappings
from cdc.terminal.output import in_a_line, say
from cdc.terminal.paths import from_here


@click.command()
@config_option
@output_option
@click.option("--offline", is_flag=True, help="Check the files alone, without the source.")
@click.pass_context
def check(ctx: click.Context, config_path: Path, output: str, offline: bool) -> None:
    """Tell every mistake in the mapping files, each with file and line.

    The files are checked against the source's tables, unless --offline. Exits 2 on a mistake.
    """
    try:
        mappings = _checked(config_path, offline=offline)
    except MappingError as error:
        if output == "table":
            raise
        say(_as_json([], error.mistakes))
        ctx.exit(error.exit_code)
    if output == "json":
        say(_as_json(mappings, ()))
        return
    for each in mappings:
        kept = f", changes are kept in {in_a_line(each.history.collection)}" if each.history else ""
        becomes = f"{in_a_line(each.source)} becomes {in_a_line(each.target)}"
        say(from_here(f"{in_a_line(each.origin.file)}: {becomes}{kept}"))


def _checked(config_path: Path, *, offline: bool) -> tuple[Mapping, ...]:
    config = load(config_path)
    mappings, mistakes = read_project_mappings(config, config_path)
    if not offline:
        try:
            mistakes += tuple(table_mistakes(config, mappings))
        except CdcError as error:
            if not mistakes:
                raise
            say(from_here(f"the tables were not looked at: {error.message}"), err=True)
    if mistakes:
        raise MappingError(dict.fromkeys(mistakes))
    return mappings


def table_mistakes(config: Config, mappings: Iterable[Mapping]) -> Iterator[Problem]:
    """Yield the mistakes that show beside the source's tables."""
    compiled: list[Compiled] = []
    with connected(config) as connection:
        for each in mappings:
            try:
                compiled += [
                    Compiled(each, compile_plan(each, table).layout)
                    for table in table_maps(connection, each)
                ]
            except MappingError as error:
                yield from error.mistakes
    yield from link_mistakes(compiled)


def _as_json(mappings: Iterable[Mapping], mistakes: Iterable[Problem]) -> str:
    found: dict[str, Any] = {
        "mappings": [
            {"file": str(each.origin.file), "source": each.source, "target": each.target}
            for each in mappings
        ],
        "mistakes": [
            {
                "file": str(each.file),
                "line": each.line,
                "what": each.what,
                "excerpt": each.excerpt or None,
            }
            for each in mistakes
        ],
    }
    return json.dumps(found, ensure_ascii=False, indent=2)
