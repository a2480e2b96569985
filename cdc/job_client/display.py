"""Shows the progress of jobs on stderr: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import click

from cdc.model.job import ENDED, Job, Phase
from cdc.terminal.counted import counted
from cdc.terminal.output import in_a_line
from cdc.writers.ranges import not_begun

LINE_SECONDS: Final = 5.0


class BarDisplay:
    """A bar for the current phase of the job."""

    def __init__(self, spelling: Callable[[str], str] = str) -> None:
        """`spelling` rewrites commands as they are to be typed."""
        self._spelling = spelling
        self._shown = ("", Phase.ROWS)
        self._bar: Any = None
        self._began, self._count_before = time.monotonic(), 0

    def show(self, job: Job) -> None:
        """Move the bar."""
        count, total = _so_far(job)
        if _shown(job) != self._shown:
            self._begin(job, count)
        self._bar.length = max(total, count) if total else None
        if moved := count - self._bar.pos:
            self._bar.update(moved, count)
        else:
            self._bar.render_progress()
        if job.state in ENDED:
            self._clear()

    def abandoned(self, stream: str) -> None:
        """Report it in place of the bar."""
        self._clear()
        _tell_abandoned(stream)

    def away(self, error: str) -> None:
        """Report it in place of the bar."""
        self._clear()
        _tell_away(error)

    def held(self, stream: str) -> None:
        """Report it above the bar."""
        self._clear()
        _tell_held(stream, self._spelling)

    def left(self, jobs: Sequence[Job]) -> None:
        """Report it in place of the bar."""
        self._clear()
        _tell_left(jobs, self._spelling)

    def _begin(self, job: Job, count: int) -> None:
        self._clear()
        self._shown = _shown(job)
        self._began, self._count_before = time.monotonic(), count
        progressbar: Any = click.progressbar
        searching = self._shown[1] is Phase.DOCUMENTS
        self._bar = progressbar(
            length=1,
            label=f"{job.kind} {in_a_line(job.table)}"
            + (": documents without rows" if searching else ""),
            item_show_func=partial(self._facts, "documents" if searching else "rows"),
            show_eta=True,
            file=sys.stderr,
        )

    @staticmethod
    def _clear() -> None:
        """Take the bar away, and show the cursor, which it hides."""
        click.echo("\r\x1b[K\x1b[?25h", nl=False, err=True)

    def _facts(self, what: str, count: int | None) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        speed = ((count or 0) - self._count_before) / seconds
        return f"{count or 0} {what}, {speed:.0f} {what}/s"


def _shown(job: Job) -> tuple[str, Phase]:
    return job.id, job.progress.phase if job.progress else Phase.ROWS


def _so_far(job: Job) -> tuple[int, int]:
    """Return the rows, or documents, done so far, and about how many there are; or 0."""
    progress = job.progress
    if progress is None:
        return 0, 0
    if progress.phase is Phase.DOCUMENTS:
        return progress.searched, progress.to_search
    return progress.rows, progress.total or 0


class LineDisplay:
    """A line at intervals."""

    def __init__(self, spelling: Callable[[str], str] = str) -> None:
        """`spelling` rewrites commands as they are to be typed."""
        self._spelling = spelling
        self._told_at = 0.0
        self._told = ("", "")

    def show(self, job: Job) -> None:
        """Print the job's state, every few seconds and when it changes; callers print its end."""
        if job.state in ENDED:
            return
        now, state = time.monotonic(), (job.id, job.state.value)
        if state == self._told and now - self._told_at < LINE_SECONDS:
            return
        self._told, self._told_at = state, now
        click.echo(f"{job.kind} {in_a_line(job.table)}: {job.state}{_counted(job)}", err=True)

    def abandoned(self, stream: str) -> None:
        """Report it in a line."""
        _tell_abandoned(stream)

    def away(self, error: str) -> None:
        """Report it in a line."""
        _tell_away(error)

    def held(self, stream: str) -> None:
        """Report it in a line."""
        _tell_held(stream, self._spelling)

    def left(self, jobs: Sequence[Job]) -> None:
        """Report it in a line."""
        _tell_left(jobs, self._spelling)


def _counted(job: Job) -> str:
    if job.progress is None:
        return ""
    count, total = _so_far(job)
    if job.progress.phase is Phase.DOCUMENTS:
        documents = counted(count, "document", of=total or None)
        return f" {documents}, looking for those without rows"
    return f" {counted(count, 'row', of=total or None)}"


def _tell_left(jobs: Sequence[Job], spelling: Callable[[str], str]) -> None:
    for job in jobs:
        text = (
            f"the {job.kind} of {job.table} lives on, the daemon or the next one goes on with it;"
            f" see it: cdc jobs list; give it up: cdc jobs cancel {job.id}"
        )
        click.echo(spelling(text), err=True)


def _tell_abandoned(stream: str) -> None:
    click.echo(
        f"no daemon of {stream} is active any more: the job waits for the next one;"
        " Ctrl-C ends this command, not the job",
        err=True,
    )


def _tell_held(stream: str, spelling: Callable[[str], str]) -> None:
    text = (
        f"{not_begun(stream)}; the job waits until that is done, cdc status tells how far it is;"
        " Ctrl-C ends this command, not the job"
    )
    click.echo(spelling(text), err=True)


def _tell_away(error: str) -> None:
    text = f"{error}: the job waits for it, and so does this command; Ctrl-C ends it, not the job"
    click.echo(in_a_line(text), err=True)
