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
from cdc.config import Config
from cdc.daemon.applier import Applier
from cdc.daemon.daemon import Daemon
from cdc.daemon.signals import stopped_by_signals
from cdc.errors import UsageError
from cdc.mapping.file.project import load_project
from cdc.observability.http import served
from cdc.observability.lag_history import LagHistory
from cdc.observability.notify.notifier import Notifier
from cdc.observability.systemd import notify_systemd
from cdc.terminal.spelling import spelling
from cdc.writers.observer import UNOBSERVED, WriteObserver

GC_THRESHOLD: Final = 50_000
"""The allocations before a garbage collection: a batch makes thousands, none in a cycle.

With the default of 700 it took a tenth of the daemon's processor time.
"""

ALL, READ, APPLY = "all", "read", "apply"
"""The roles: what a process does of reading, mapping and writing."""


@click.command()
@config_option
@click.option(
    "--accept-mapping-change",
    is_flag=True,
    help="Start though a mapping was edited, and keep the documents that it made before.",
)
@click.option(
    "--role",
    type=click.Choice([ALL, READ, APPLY]),
    default=ALL,
    show_default=True,
    help="read: have appliers write, through Kafka. apply: be one of them.",
)
def run(config_path: Path, accept_mapping_change: bool, role: str) -> None:
    """Keep the target equal to the source, until SIGTERM or SIGINT."""
    run_daemon(config_path, accept_edits=accept_mapping_change, role=role)


def worker_command(config_path: Path) -> list[str]:
    """Return the command of a worker that ends with its standard input."""
    return [sys.executable, "-m", "cdc", "work", "--with-stdin", "--config", str(config_path)]


def run_daemon(
    config_path: Path,
    *,
    accept_edits: bool = False,
    role: str = ALL,
    observer: WriteObserver = UNOBSERVED,
) -> None:
    """Run the daemon in this process, or an applier; `observer` observes what it writes."""
    config, mappings = load_project(config_path)
    if role != ALL and config.apply.kafka is None:
        raise UsageError(
            f"--role {role} needs the Kafka that carries parts to appliers, and there is none",
            remedy="write apply.lanes: 4, or more, and apply.kafka: {bootstrap_servers: HOST:PORT}",
        )
    log.configure(config.log, spelling())
    if role == APPLY:
        run_applier(config, observer)
        return
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    notifier = Notifier(config.notify, config.name) if config.notify else None
    lags = LagHistory()
    daemon = Daemon(
        config,
        mappings,
        observer,
        accept_edits=accept_edits,
        notices=notifier,
        note_lag=lags.note,
        worker_command=worker_command(config_path),
        by_appliers=role == READ,
    )
    stalled_after = config.http.stalled_after_seconds
    with (
        stopped_by_signals(daemon.stop),
        served(config, daemon.telemetry, lags),
        notify_systemd(daemon.telemetry, stalled_after_seconds=stalled_after),
        notifier.running(daemon.lag_seconds) if notifier else nullcontext(),
    ):
        daemon.run()


def run_applier(config: Config, observer: WriteObserver = UNOBSERVED) -> None:
    """Run an applier in this process."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    applier = Applier(config, observer)
    stalled_after = config.http.stalled_after_seconds
    with (
        stopped_by_signals(applier.stop),
        served(config, applier.telemetry),
        notify_systemd(applier.telemetry, stalled_after_seconds=stalled_after),
    ):
        applier.run()
