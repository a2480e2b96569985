"""`cdc mapping init`: writes first mappings from the source's tables."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from cdc.commands import config_option
from cdc.commands.mapping.inputs import connected, no_rows
from cdc.config import Config, load
from cdc.config.yaml12 import parse
from cdc.errors import CdcError, UsageError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.json_schema import FILE_NAME, json_schema_text
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError, did_you_mean
from cdc.mapping.file.project import project_mappings
from cdc.mapping.file.table_globs import SourcePattern, source_pattern
from cdc.mapping.tools.draft import collection_name, draft
from cdc.mapping.tools.embed_proposals import proposals
from cdc.model.table_definition import TableDefinition
from cdc.model.table_name import full_name
from cdc.readers.server.catalog import define_table, list_tables
from cdc.readers.server.connection import SourceConnection
from cdc.readers.server.facts import kind_of
from cdc.terminal.output import in_a_line, say
from cdc.terminal.pages import page
from cdc.terminal.paths import from_here

BETWEEN_FILES: Final = "---\n"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mapping for one table, and the mistakes that prevent it."""

    table: str
    target: str
    text: str
    mistakes: tuple[str, ...]


@click.command()
@click.argument("tables", nargs=-1, required=True)
@config_option
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a file a table into this folder, instead of to stdout.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(tables: tuple[str, ...], config_path: Path, folder: Path | None, force: bool) -> None:
    """Write a first mapping for each of TABLES, from the live table.

    A table is schema.table; `*`, `?` and `[abc]` match several. Every column is listed, with the
    type that is mostly wanted and a comment where something is lost. A table without a key is
    refused (exit code 2); the others are written all the same.
    """
    config = load(config_path, mappings_optional=True)
    schema_file = FILE_NAME if folder is None else os.path.relpath(_schema_file(folder), folder)
    drafts = _drafts(config, config_path, tables, schema_file)
    usable = [each for each in drafts if not each.mistakes]
    if folder is None:
        say(BETWEEN_FILES.join(each.text for each in usable), nl=False)
    else:
        _write(usable, folder, force=force)
    _refuse([each for each in drafts if each.mistakes])


def _drafts(
    config: Config, config_path: Path, tables: Sequence[str], schema_file: str
) -> list[_Draft]:
    with connected(config) as connection:
        definitions = list(_definitions(connection, tables))
    taken = _taken_targets(config, config_path, {each.table_map.name for each in definitions})
    targets: dict[str, str] = {}
    for definition in definitions:
        targets[definition.table_map.name] = _target(definition, taken | {*targets.values()})
    drafts = []
    for definition in definitions:
        name = definition.table_map.name
        embeds = [*proposals(definition, definitions, targets)]
        zone = config.source.time_zone
        text = draft(
            definition,
            target=targets[name],
            schema_file=schema_file,
            embeds=embeds,
            time_zone=zone,
        )
        mistakes = tuple(_mistakes(text, definition, zone))
        drafts.append(_Draft(name, targets[name], text, mistakes))
    return drafts


def _definitions(connection: SourceConnection, tables: Sequence[str]) -> Iterator[TableDefinition]:
    there = list_tables(connection)
    names: dict[tuple[str, str], None] = {}
    for wanted, pattern in ((each, source_pattern(each)) for each in tables):
        found = [name for name in there if pattern.matches(*name)]
        if not found:
            raise _not_found(connection, wanted, pattern, there)
        names |= dict.fromkeys(found)
    for name in names:
        definition = define_table(connection, *name)
        if definition is not None:
            yield definition


def _not_found(
    connection: SourceConnection,
    wanted: str,
    pattern: SourcePattern,
    there: Sequence[tuple[str, str]],
) -> UsageError:
    if not pattern.varying and kind_of(connection, *pattern.named):
        why = no_rows(connection, *pattern.named)
        return UsageError(
            why or f"{wanted} is a table of the server's own, which no stream follows",
            remedy="name the tables behind it" if why else "name tables of the application",
        )
    known = did_you_mean(wanted, [full_name(*name) for name in there])
    return UsageError(
        f"the source has no table {wanted} that its user may read{known}",
        remedy="write it as schema.table, or 'schema.*'; views have no rows of their own",
    )


def _taken_targets(config: Config, config_path: Path, sources: set[str]) -> set[str]:
    """Return the collections of the existing mappings, except those of `sources`."""
    try:
        there = project_mappings(config, config_path)
    except MappingError:
        return set()
    return {each.target for each in there if each.source not in sources}


def _target(definition: TableDefinition, taken: set[str]) -> str:
    table = definition.table_map
    name = collection_name(table.table)
    return collection_name(f"{table.schema}_{table.table}") if name in taken else name


def _mistakes(text: str, definition: TableDefinition, time_zone: str) -> Iterator[str]:
    """Yield the reasons why the table cannot be mapped so."""
    try:
        mapping = Mapping.model_validate(parse(text).data).bind(time_zone=time_zone)
        compile_plan(mapping, definition.table_map)
    except MappingError as error:
        yield from (mistake.what for mistake in error.mistakes)
    except (CdcError, ValueError) as error:
        yield str(error)


def _schema_file(folder: Path) -> Path:
    """Return the schema file, in the folder or above it, or else the path to write it to."""
    above = folder.resolve().parent / FILE_NAME
    return above if above.is_file() else folder.resolve() / FILE_NAME


def _write(drafts: Sequence[_Draft], folder: Path, *, force: bool) -> None:
    files = {folder / _file_name(each): each for each in drafts}
    there = [str(file) for file in files if file.exists()]
    if there and not force:
        missing = [each.table for file, each in files.items() if not file.exists()]
        others = f", or name only the tables that have none: {shlex.join(missing)}"
        raise UsageError(
            f"there is a file already: {', '.join(there)}; nothing was written",
            remedy=f"write to another folder, or over it with --force{others if missing else ''}",
        )
    folder.mkdir(parents=True, exist_ok=True)
    schema_file = _schema_file(folder)
    if files and not schema_file.exists():
        schema_file.write_text(json_schema_text(), encoding="utf-8")
    for file, each in files.items():
        file.write_text(each.text, encoding="utf-8")
        becomes = f"{in_a_line(each.table)} becomes {in_a_line(each.target)}"
        say(f"{from_here(in_a_line(file))}: {becomes}", err=True)


def _file_name(each: _Draft) -> str:
    return re.sub(r"[^\w.-]", "_", each.target) + ".yaml"


def _refuse(drafts: Sequence[_Draft]) -> None:
    if drafts:
        raise UsageError(
            "\n".join(
                f"{each.table} is left out: {what}" for each in drafts for what in each.mistakes
            ),
            remedy=f"give the table a primary key, or write its mapping by hand: {page('mapping')}",
        )
