"""Runs cdc's command-line with writers that `tests.support.faults` observes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from cdc import cli
from cdc.commands import config_option
from cdc.commands import run as run_module
from cdc.commands.run import run_daemon
from cdc.commands.work import work_until_done
from cdc.daemon.daemon import Daemon
from cdc.job_client import client, skip_transaction
from cdc.mapping.file.project import load_project
from cdc.model import lease
from cdc.model.checkpoint import Checkpoint
from cdc.writers import collection_clear, pieces, stream_admin, writer
from cdc.writers.embedding import paying
from cdc.writers.embedding.terms import Terms
from tests.end_to_end.support import faked_time
from tests.support.faults import FAULT, Faults

WORKER_FAULT = "CDC_WORKER_FAULT"
"""As `tests.support.faults.FAULT`, for the workers of a first copy."""

AT_ONCE = "CDC_EMBED_AT_ONCE"
"""`N:PIECE`: so few documents that embed something are derived at once, and in a piece."""


APART = "CDC_APART"
"""If it is set, each process takes itself for one of a host of its own: none sees another end."""


@click.command()
@config_option
@click.option("--accept-mapping-change", is_flag=True)
@click.option("--role", default=run_module.ALL)
def run(config_path: Path, accept_mapping_change: bool, role: str) -> None:
    """Run `cdc run`, observed."""
    observer = Faults.from_environment()
    run_daemon(config_path, accept_edits=accept_mapping_change, role=role, observer=observer)


@click.command()
@config_option
@click.option("--with-stdin", is_flag=True)
def work(config_path: Path, with_stdin: bool) -> None:
    """Run `cdc work`, observed."""
    observer = Faults.from_environment({FAULT: os.environ.get(WORKER_FAULT, "")})
    work_until_done(config_path, with_stdin=with_stdin, observer=observer)


@click.group()
def position() -> None:
    """Run `cdc position`, as far as it can be observed."""


@position.command()
@config_option
def skip(config_path: Path) -> None:
    """Run what `cdc position skip --yes` does, observed."""
    config, mappings = load_project(config_path)
    state = stream_admin.read(config)
    assert state is not None
    found = skip_transaction.plan(config, mappings, Checkpoint.from_document(state))
    skip_transaction.carry_out(config, found, observer=Faults.from_environment())


def _faulty(command: list[str]) -> list[str]:
    """Have the daemon's workers observed, too."""
    return [__name__ if each == "cdc" else each for each in command]


def limit_embeds(environment: Mapping[str, str]) -> None:
    """Make debts of what would take thousands of documents, if the environment says so."""
    if limits := environment.get(AT_ONCE):
        at_once, piece = map(int, limits.split(":"))
        small = partial(Terms, at_once=at_once)
        vars(writer).update(Terms=small)
        vars(pieces).update(Terms=small)
        vars(paying).update(PIECE=piece)
        vars(collection_clear).update(PIECE=piece)


def main() -> NoReturn:
    """Run the command-line, with its observable commands replaced."""
    faked_time.prepare()
    limit_embeds(os.environ)
    if APART in os.environ:
        vars(lease).update(_place=lambda: f"a host of {os.getpid()}")
    started = run_module.worker_command
    vars(run_module).update(worker_command=lambda path: _faulty(started(path)))
    standing_in = partial(Daemon, observer=Faults.from_environment())
    vars(client).update(Daemon=standing_in)  # of a command that works without a daemon
    for command in ("run", "work", "position"):
        cli.COMMANDS[command] = (f"{__name__}:{command}", "Watched.")
    cli.main()


if __name__ == "__main__":
    main()
