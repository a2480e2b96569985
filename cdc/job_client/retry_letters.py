"""Retries the rows of dead letters, by a job for each table and collection."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from cdc.config import Config
from cdc.errors import Unfit, UsageError
from cdc.job_client.client import Display, run_jobs
from cdc.job_client.display import BarDisplay, LineDisplay
from cdc.job_client.feasibility import require_possible
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.project import project_mappings
from cdc.model.dead_letter import DeadLetter
from cdc.model.job import Job, JobKind, Options
from cdc.terminal.output import in_a_line, say
from cdc.terminal.spelling import spelling


def retried(config: Config, config_path: Path, letters: Sequence[DeadLetter]) -> list[Job]:
    """Run the jobs and return them as they ended; report the letters whose rows cannot be found.

    Raises UsageError or Unfit if there are no others.
    """
    keyed = [each for each in letters if each.has_key]
    if not letters:
        return []
    if not keyed:
        raise UsageError(
            f"the dead letter {letters[0].id} does not tell its row: no id could be made of it",
            table=letters[0].table,
            remedy="change the row, which carries it over; then discard the letter",
        )
    mappings = project_mappings(config, config_path)
    jobs = _possible(config, mappings, keyed)
    display: Display = (BarDisplay if sys.stderr.isatty() else LineDisplay)(spelling())
    return run_jobs(config, mappings, jobs, display)


def _possible(
    config: Config, mappings: Sequence[Mapping], letters: Sequence[DeadLetter]
) -> list[Job]:
    """Return the jobs that their tables can take, and report the others: those would fail."""
    found, refused = [], []
    for job in _jobs(config, letters):
        try:
            require_possible(config, mappings, [job])
        except (UsageError, Unfit) as error:
            refused.append((job, error))
        else:
            found.append(job)
    for job, why in refused:
        ids = [each.id for each in letters if _home(each) == (job.table, job.options.target)]
        remedy = f"if it stays so, let the letters be: cdc dead-letters discard {' '.join(ids)}"
        if not found:
            raise type(why)(why.message, table=job.table, remedy=remedy) from why
        told = f"{job.table} into {job.options.target}: {why.message}; {spelling()(remedy)}"
        say(f"not retried: {in_a_line(told)}", err=True)
    return found


def _jobs(config: Config, letters: Sequence[DeadLetter]) -> list[Job]:
    ordered = sorted(letters, key=_home)
    return [
        Job.request(
            config.name,
            JobKind.RETRY,
            table,
            by="command-line",
            options=Options(target=collection, ids=tuple(each.key for each in group)),
        )
        for (table, collection), group in groupby(ordered, key=_home)
    ]


def _home(letter: DeadLetter) -> tuple[str, str]:
    return letter.table, letter.collection
