"""`cdc run`: the daemon."""

from __future__ import annotations

import gc
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import click

from cdc import log
from cdc.commands import config_option
from cdc.daemon.daemon import Daemon
from cdc.daemon.signals import stopped_by_signals
from cdc.mapping.file.project import load_project
from cdc.observability.http import served
from cdc.observability.notify.notifier import Notifier
from cdc.observability.systemd import notify_systemd
from cdc.terminal.spelling import spelling
from cdc.writers.observer import UNOBSERVED, WriteObserver

GC_THRESHOLD: Final = 50_000
"""The allocations before a garbage collection: a batch makes thousands, none in a cycle.

With the default of 700 it took a tenth of the daemon's processor time.
"""


@click.command()
@config_option
@click.option(
    "--accept-mapping-change",
    is_flag=True,
    help="Start though a mapping was edited, and keep the documents that it made before.",
)
def run(config_path: Path, accept_mapping_change: bool) -> None:
    """Keep the target equal to the source, until SIGTERM or SIGINT."""
    run_daemon(config_path, accept_edits=accept_mapping_change)


def worker_command(config_path: Path) -> list[str]:
    """Return the command of a worker that ends with its standard input."""
    return [sys.executable, "-m", "cdc", "work", "--with-stdin", "--config", str(config_path)]


def run_daemon(
    config_path: Path, *, accept_edits: bool = False, observer: WriteObserver = UNOBSERVED
) -> None:
    """Run the daemon in this process; `observer` observes what it writes."""
    config, mappings = load_project(config_path)
    log.configure(config.log, spelling())
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    notifier = Notifier(config.notify, config.name) if config.notify else None
    daemon = Daemon(
        config,
        mappings,
        observer,
        accept_edits=accept_edits,
        notices=notifier,
        worker_command=worker_command(config_path),
    )
    stalled_after = config.http.stalled_after_seconds
    with (
        stopped_by_signals(daemon.stop),
        served(config, daemon.telemetry),
        notify_systemd(daemon.telemetry, stalled_after_seconds=stalled_after),
        notifier.running(daemon.lag_seconds) if notifier else nullcontext(),
    ):
        daemon.run()
