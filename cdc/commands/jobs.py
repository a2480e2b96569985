"""`cdc jobs`: the stream's backfills, resyncs and verifications."""

from __future__ import annotations

from pathlib import Path

import click
from bson import json_util

from cdc.commands import config_option, output_option
from cdc.config import load
from cdc.errors import UsageError
from cdc.jobs import Job, JobState
from cdc.requests import jobs_of
from cdc.terminal import in_a_line, say

OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


@click.group()
def jobs() -> None:
    """Show, pause, resume and cancel backfills, resyncs and verifications."""


@jobs.command("list")
@config_option
@output_option
def list_jobs(config_path: Path, output: str) -> None:
    """List the stream's jobs, the oldest first."""
    with jobs_of(load(config_path)) as known:
        found = known.all()
    if output == "json":
        say(json_util.dumps([each.shown() for each in found], indent=2))
        return
    if not found:
        say("there is no job", err=True)
    for each in found:
        say(_line(each))


@jobs.command()
@click.argument("job")
@config_option
def pause(job: str, config_path: Path) -> None:
    """Leave a job where it is, until it is resumed."""
    _move(config_path, job, (JobState.QUEUED, JobState.RUNNING), JobState.PAUSED)


@jobs.command()
@click.argument("job")
@config_option
def resume(job: str, config_path: Path) -> None:
    """Go on with a paused job where it was left."""
    _move(config_path, job, (JobState.PAUSED,), JobState.QUEUED)


@jobs.command()
@click.argument("job")
@config_option
def cancel(job: str, config_path: Path) -> None:
    """Give a job up, or stop being told of one that failed; what it has written stays."""
    _move(config_path, job, (*OPEN, JobState.FAILED), JobState.CANCELLED)


def _move(config_path: Path, job: str, before: tuple[JobState, ...], after: JobState) -> None:
    with jobs_of(load(config_path)) as known:
        if known.move(job, before=before, after=after):
            say(f"{job}: {after}", err=True)
            return
        found = known.get(job)
    if found is None:
        raise UsageError(f"there is no job {job}", remedy="see which there are: cdc jobs list")
    raise UsageError(f"the job {job} is {found.state}: it cannot become {after}")


def _line(job: Job) -> str:
    rows = f" {job.progress.rows} rows" if job.progress else ""
    error = f" {job.error}" if job.error else ""
    return f"{job.id} {job.kind} {in_a_line(job.table)} {job.state}{rows}{error}"
