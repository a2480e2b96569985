"""The inputs of the mapping commands: the configuration, its mappings, and the source's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from cdc.config import Config
from cdc.errors import UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError, did_you_mean
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.table_map import TableMap
from cdc.model.table_name import full_name, split_name
from cdc.preflight.followed_tables import find_unseen
from cdc.readers.server.catalog import list_tables
from cdc.readers.server.connection import SourceConnection, close_connection, connect_source
from cdc.readers.server.facts import TABLES, fetch_source_facts, kind_of
from cdc.readers.server.table_description import describe_table
from cdc.terminal.output import say

QUERY_SECONDS: Final = 30.0

BEHIND_VIEW: Final = "follow the tables behind it, or leave it out of the mappings"


@contextmanager
def connected(config: Config) -> Iterator[SourceConnection]:
    """Open a connection to the source, and close it."""
    connection = connect_source(config.source, read_timeout=QUERY_SECONDS)
    try:
        yield connection
    finally:
        close_connection(connection)


def followed(
    config: Config, table: str, mappings: Sequence[Mapping]
) -> list[tuple[Mapping, TableMap]]:
    """Return the mappings, each with the followed tables that `table`, a name or glob, selects.

    Raises UsageError if no mapping follows it. A glob without a table yet is reported on stderr.
    """
    with connected(config) as connection:
        found = [
            (each, table_map)
            for each in _mappings_of(table, mappings)
            for table_map in table_maps(connection, each)
            if table in (each.source, table_map.name)
        ]
    if not found:
        say(f"the source has no table {table} that its user may read", err=True)
    return found


def no_rows(connection: SourceConnection, schema: str, table: str) -> str:
    """Return why there are no rows to follow under a name; "" if it is a table's."""
    kind = kind_of(connection, schema, table)
    if not kind:
        return f"the source has no table {full_name(schema, table)} that its user may read"
    if kind in TABLES:
        return ""
    return f"{full_name(schema, table)} is a {kind.lower()}, which has no rows of its own to follow"


def table_maps(connection: SourceConnection, each: Mapping) -> list[TableMap]:
    """Describe the tables that a mapping follows: at least one, except for a glob.

    Raises MappingError if the source has no table that the mapping names.
    """
    pattern = source_pattern(each.source)
    names = [pattern.named]
    if pattern.varying:
        names = [name for name in list_tables(connection) if pattern.matches(*name)]
    elif not kind_of(connection, *pattern.named):
        raise _unseen(connection, each, pattern.named)
    elif why := no_rows(connection, *pattern.named):
        raise MappingError([each.origin.mistake(("source",), why)], remedy=BEHIND_VIEW)
    found = [describe_table(connection, *name) for name in names]
    return [table for table in found if table is not None]


def _unseen(connection: SourceConnection, each: Mapping, name: tuple[str, str]) -> MappingError:
    """Return the error of a table that the source's user cannot see, with the name that is near."""
    found = find_unseen(name, [each], lambda: list_tables(connection))
    near = f", did you mean `{found.near}`?" if found.near else ""
    mistake = each.origin.mistake(("source",), f"{no_rows(connection, *name)}{near}")
    remedy = replace(found, place="").remedy(fetch_source_facts(connection))
    return MappingError([mistake], remedy=remedy)


def _mappings_of(table: str, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Return the mappings that follow `schema.table`; raises UsageError if none does."""
    schema, name = split_name(table)
    chosen = [each for each in mappings if each.source == table or each.follows(schema, name)]
    if not chosen:
        known = did_you_mean(table, [each.source for each in mappings])
        raise UsageError(
            f"no mapping has the source {table}{known}",
            remedy="name a table as schema.table, as they are listed: cdc mapping check",
        )
    return chosen
