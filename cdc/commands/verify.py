"""`cdc verify`: compares documents with rows."""

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
@click.option(
    "--sample",
    metavar="N%",
    callback=lambda *args: _percent(args[2]),
    help="Compare about this share of the rows; a small table is compared whole.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Write again what is missing or differs, and remove what has no row.",
)
def verify(
    tables: tuple[str, ...], config_path: Path, output: str, sample: float | None, repair: bool
) -> int:
    """Compare documents with rows while both change; exit 1 where any differ in the end.

    Without TABLE every followed table is compared.
    """
    return perform_on_tables(
        JobKind.VERIFY, tables, config_path, output, Options(sample=sample, repair=repair)
    )


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        share = 0.0
    if not 0 < share <= 100:
        raise click.BadParameter("write a percentage above 0, as in 10%")
    return share
