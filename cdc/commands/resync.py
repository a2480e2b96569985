"""`cdc resync`: makes documents equal to the rows again."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.commands import config_option, output_option
from cdc.job_client.table_jobs import perform_on_tables
from cdc.model.job import JobKind, Options


@click.command()
@click.argument("tables", metavar="[TABLE…]", nargs=-1)
@config_option
@output_option
@click.option("--all", "every", is_flag=True, help="Every table that is followed.")
@click.option("--dry-run", is_flag=True, help="Only tell the documents that would be removed.")
def resync(
    tables: tuple[str, ...], config_path: Path, output: str, every: bool, dry_run: bool
) -> int:
    """Make documents equal to the rows again: write all, and remove those whose rows are gone.

    Readers see no gap. Documents that no mapping could have made stay: verify names them. A running
    daemon does it; without one this command does.
    """
    if bool(tables) == every:
        raise click.UsageError("name tables, or write --all")
    return perform_on_tables(
        JobKind.RESYNC, tables, config_path, output, Options(extra_only=dry_run)
    )
