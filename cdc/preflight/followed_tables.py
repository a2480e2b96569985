"""Asks the source which tables the mappings follow, and whether one is fit, as it is now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from cdc.config import Config
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.table_name import full_name
from cdc.preflight import require, table_findings
from cdc.preflight.rules import tables
from cdc.preflight.rules.tables import Unseen
from cdc.readers.server.catalog import list_tables
from cdc.readers.server.connection import asking
from cdc.readers.server.facts import fetch_source_facts, is_table, table_facts
from cdc.terminal.nearest import nearest

QUERY_SECONDS: Final = 10.0

UNSEEN: Final = "does not exist, or may not be read"
"""What is known of a table that the account does not see."""

Mappings = Sequence[Mapping]


def require_table_fit(config: Config, schema: str, table: str) -> None:
    """Judge one table that has appeared while streaming; a table that is gone again passes.

    Raises Unfit, or Retryable if the source cannot be reached.
    """
    with asking(config.source, read_timeout=QUERY_SECONDS) as connection:
        found = table_facts(connection, schema, table)
        facts = fetch_source_facts(connection)
    if found is not None:
        require(table_findings(facts, [found]))


def table_exists(config: Config, schema: str, table: str) -> bool:
    """Query whether there is such a table (no view) now; Retryable if the source is away."""
    with asking(config.source, read_timeout=QUERY_SECONDS) as connection:
        return is_table(connection, schema, table)


def logs_cascades(config: Config) -> bool:
    """Query whether the source logs the rows that foreign keys change; Retryable if it is away."""
    with asking(config.source, read_timeout=QUERY_SECONDS) as connection:
        facts = fetch_source_facts(connection)
    return tables.logs_cascades(facts)


def followed_tables(
    sources: Iterable[str], listed: Callable[[], list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """Return the (schema, table) pairs that sources name; globs are matched against `listed`."""
    patterns = [source_pattern(name) for name in sources]
    globs = [each for each in patterns if each.varying]
    names = {each.named for each in patterns if not each.varying}
    if globs:
        names |= {name for name in listed() if any(glob.matches(*name) for glob in globs)}
    return sorted(names)


def find_unseen(
    name: tuple[str, str],
    mappings: Mappings,
    listed: Callable[[], list[tuple[str, str]]],
    followed: Collection[tuple[str, str]] = (),
) -> Unseen:
    """Return what is known of a (schema, table) that mappings name and the account cannot see.

    One of the `listed` tables may have been meant, but none that is `followed` already.
    """
    others = [full_name(*each) for each in listed() if each not in followed]
    naming = [each for each in mappings if source_pattern(each.source).named == name]
    places = (each.origin.mistake(("source",), "") for each in naming)
    place = next((f"{each.file}:{each.line}" for each in places), "")
    return Unseen(full_name(*name), nearest(full_name(*name), others) or "", place)


def followed_now(config: Config, mappings: Mappings) -> list[str]:
    """Query which of the source's tables, `schema.table`, the mappings follow."""
    with asking(config.source, read_timeout=QUERY_SECONDS) as connection:
        sources = {mapping.source for mapping in mappings}
        names = followed_tables(sources, lambda: list_tables(connection))
    return [full_name(*name) for name in names]


def existing_now(config: Config, mappings: Mappings) -> list[str]:
    """Query which of them, `schema.table`, the account sees: one may be gone."""
    router = TableRouter(mappings)
    with asking(config.source, read_timeout=QUERY_SECONDS) as connection:
        return [
            full_name(schema, table)
            for schema, table in list_tables(connection)
            if router.follows(schema, table)
        ]
