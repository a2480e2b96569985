"""`cdc backfill`: copies the rows that exist."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.commands import config_option, output_option
from cdc.job_client.table_jobs import perform_on_tables
from cdc.model.job import JobKind, Options


@click.command()
@click.argument("tables", metavar="TABLE…", nargs=-1, required=True)
@config_option
@output_option
@click.option(
    "--where",
    metavar="SQL",
    help="Copy only the rows for which the source finds this condition true.",
)
@click.option(
    "--from",
    "first",
    metavar="KEY",
    help="Begin with the row of this key; a,b for a key of two columns.",
)
@click.option("--to", "last", metavar="KEY", help="End with the row of this key.")
def backfill(
    tables: tuple[str, ...],
    config_path: Path,
    output: str,
    where: str | None,
    first: str | None,
    last: str | None,
) -> int:
    """Copy the rows that exist, while the stream goes on.

    A running daemon does it; without one this command does. Ctrl-C leaves it to the daemon, or to
    the next one: `cdc jobs` shows, pauses and cancels it.
    """
    options = Options(where=where, first=_key(first), last=_key(last))
    return perform_on_tables(JobKind.BACKFILL, tables, config_path, output, options)


def _key(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split(","))
