"""`cdc jobs`: the stream's backfills, resyncs and verifications."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cdc.commands import Group, config_option, output_option
from cdc.config import load
from cdc.errors import UsageError
from cdc.job_client.client import jobs_of
from cdc.job_client.short_ids import only, shortened
from cdc.model import job_facts, lease
from cdc.model.job import Job, JobState
from cdc.terminal.columns import aligned
from cdc.terminal.counted import counted
from cdc.terminal.output import in_a_line, joined, say, say_json
from cdc.terminal.spelling import spelling
from cdc.writers import stream_admin
from cdc.writers.ranges import is_held

OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


@click.group(cls=Group)
def jobs() -> None:
    """Show, pause, resume and cancel backfills, resyncs and verifications."""


_limit = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="List only so many, the newest; the others are counted.",
)


@jobs.command("list")
@config_option
@output_option
@_limit
def list_jobs(config_path: Path, output: str, limit: int) -> None:
    """List the stream's jobs, the oldest first."""
    config = load(config_path)
    with jobs_of(config) as known:
        every = known.all()
    state = stream_admin.read_with_clock(config) or {}
    active, held = lease.holder(state) is not None, is_held(state)
    found = every[-limit:]
    if output == "json":
        say_json([job_facts.whole(each, active=active) for each in found])
        return
    if not found:
        say("there is no job", err=True)
        return
    short = shortened([each.id for each in every])
    rows = [_row(each, short[each.id], each.told(active=active, held=held)) for each in found]
    for line in aligned([_COLUMNS, *rows]):
        say(line)
    if older := len(every) - len(found):
        say(f"and {counted(older, 'older one')}: --limit {len(every)} lists all", err=True)


@jobs.command()
@click.argument("job")
@config_option
@output_option
def pause(job: str, config_path: Path, output: str) -> None:
    """Leave a job where it is, until it is resumed; JOB is any beginning of its id."""
    _move(config_path, output, job, (JobState.QUEUED, JobState.RUNNING), JobState.PAUSED)


@jobs.command()
@click.argument("job")
@config_option
@output_option
def resume(job: str, config_path: Path, output: str) -> None:
    """Go on with a paused job where it was left; JOB is any beginning of its id."""
    _move(config_path, output, job, (JobState.PAUSED,), JobState.QUEUED)


@jobs.command()
@click.argument("job")
@config_option
@output_option
def cancel(job: str, config_path: Path, output: str) -> None:
    """Give a job up, or stop being told of one that failed; what it has written stays.

    JOB is any beginning of its id.
    """
    _move(config_path, output, job, (*OPEN, JobState.FAILED), JobState.CANCELLED)


def _move(
    config_path: Path, output: str, job: str, before: tuple[JobState, ...], after: JobState
) -> None:
    remedy = "see which there are: cdc jobs list"
    config = load(config_path)
    with jobs_of(config) as known:
        job = only("job", job, known.beginning(job), remedy)
        moved = known.move(job, before=before, after=after)
        found = known.get(job)
    if found is None:
        raise UsageError(f"there is no job {job}", remedy=remedy)
    if not moved:
        raise UsageError(f"the job {job} is {found.state}: it cannot become {after}")
    if output == "json":
        active = stream_admin.active_owner(config) is not None
        say_json(job_facts.whole(found, active=active))
        return
    say(f"{job}: {after}", err=True)


_COLUMNS: Final = ("JOB", "ASKED (UTC)", "KIND", "STATE", "     ROWS", "TABLE")


def _row(job: Job, identity: str, state: str) -> tuple[str, ...]:
    first, _, note = state.partition(", ")
    error = joined(spelling()(job.error or ""))
    rest = "".join(f": {each}" for each in (note, error) if each)
    return tuple(
        in_a_line(each)
        for each in (
            identity,
            f"{job.requested_at:%Y-%m-%d %H:%M:%S}",
            job.kind.value,
            first,
            f"{job.progress.rows if job.progress else 0:>9}",
            f"{job.table}{rest}",
        )
    )
