"""Shows on stderr how jobs come along: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import click

from cdc.jobs import ENDED, Job, Phase

LINE_SECONDS: Final = 5.0


class BarDisplay:
    """A bar for the job that is being done."""

    def __init__(self) -> None:
        self._job = ""
        self._bar: Any = None
        self._began, self._rows_before = time.monotonic(), 0

    def show(self, job: Job) -> None:
        """Move the bar."""
        if job.id != self._job:
            self._begin(job)
        rows = job.progress.rows if job.progress else 0
        if job.progress and job.progress.total:
            self._bar.length = max(job.progress.total, rows)
        self._bar.update(rows - self._bar.pos, rows)
        if job.state in ENDED:
            self._bar.render_finish()

    def abandoned(self, stream: str) -> None:
        """Tell it on a line of its own."""
        click.echo(err=True)
        _tell_abandoned(stream)

    def _begin(self, job: Job) -> None:
        self._job, self._began = job.id, time.monotonic()
        self._rows_before = job.progress.rows if job.progress else 0
        progressbar: Any = click.progressbar
        self._bar = progressbar(
            length=max(1, job.progress.total or 1) if job.progress else 1,
            label=f"{job.kind} {job.table}",
            item_show_func=self._facts,
            show_eta=True,
            file=sys.stderr,
        )
        self._bar.render_progress()

    def _facts(self, rows: int | None) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        speed = ((rows or 0) - self._rows_before) / seconds
        return f"{rows or 0} rows, {speed:.0f} rows/s"


class LineDisplay:
    """A line now and then."""

    def __init__(self) -> None:
        self._told_at = 0.0
        self._told = ("", "")

    def show(self, job: Job) -> None:
        """Tell where the job is, every few seconds and when its state changes."""
        now, state = time.monotonic(), (job.id, job.state.value)
        if state == self._told and now - self._told_at < LINE_SECONDS:
            return
        self._told, self._told_at = state, now
        progress = job.progress
        rows = f" {progress.rows} of about {progress.total or 0} rows" if progress else ""
        searching = progress is not None and progress.phase is Phase.DOCUMENTS
        what = ", looking for documents without rows" if searching else ""
        click.echo(f"{job.kind} {job.table}: {job.state}{rows}{what}", err=True)

    def abandoned(self, stream: str) -> None:
        """Tell it."""
        _tell_abandoned(stream)


def _tell_abandoned(stream: str) -> None:
    click.echo(
        f"no daemon of {stream} is active any more: the job waits for the next one;"
        " Ctrl-C ends this command, not the job",
        err=True,
    )
