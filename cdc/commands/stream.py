"""`cdc stream`: what is kept of a stream as a whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cdc.commands import Group, config_option
from cdc.config import load
from cdc.errors import UsageError
from cdc.model.id_space import told
from cdc.terminal.counted import counted
from cdc.terminal.output import in_a_line, say
from cdc.writers.stream_removal import Belongings, removal


@click.group(cls=Group)
def stream() -> None:
    """Remove a stream that is no more."""


@stream.command()
@click.argument("name")
@config_option
@click.option("--documents", is_flag=True, help="Remove the stream's documents too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, config_path: Path, documents: bool, yes: bool) -> None:
    """Remove a stream from the state database, after telling all that goes with it.

    NAME is any stream of that database, not only the configuration's own. Its documents stay,
    unless --documents is written; its claims are free. Refused while a daemon of it is active.
    Started again, it begins anew and copies its tables.
    """
    with removal(load(config_path), name) as removing:
        found = removing.belongings()
        for line in _lines(found, documents=documents):
            say(in_a_line(line))
        if not (yes or _confirmed(name)):
            raise UsageError(f"this would remove {name}", remedy="repeat it with --yes")
        removing.remove(found, documents=documents)
    say(in_a_line(f"{name} is removed"), err=True)


def _confirmed(name: str) -> bool:
    """Ask on a terminal; elsewhere the answer is no."""
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"remove {name}?", err=True, abort=True)


def _lines(found: Belongings, *, documents: bool) -> Iterator[str]:
    if found.has_state:
        yield "goes          the position, and which tables were copied"
    for each in found.copies:
        yield f"copied        {each}"
    for count, what in (
        (found.jobs, ("job", "jobs")),
        (found.dead_letters, ("dead letter, open or not", "dead letters, open or not")),
        (found.debts, ("debt of embedded values", "debts of embedded values")),
    ):
        if count:
            yield f"goes          {counted(count, *what)}"
    for each in found.hidden:
        yield f"goes          the hidden collection {each}"
    for claim in found.claims:
        which = f" with {told(claim.ids)} in the id" if claim.ids else ""
        yield f"is free       {claim.collection}{which}"
        if not found.is_hidden(claim):
            whole = "the whole collection" if not claim.ids else "its documents"
            yield f"{'goes' if documents else 'stays':13} {whole} {claim.collection}{which}"
