"""Runs backfill, resync or verify on tables, and reports how it ended."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cdc.config import Config
from cdc.daemon.repair import EXPRESSIONS, repaired
from cdc.errors import UsageError
from cdc.job_client.client import Display, run_jobs
from cdc.job_client.display import BarDisplay, LineDisplay
from cdc.job_client.feasibility import require_possible
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping, leads_back
from cdc.mapping.file.problems import did_you_mean
from cdc.mapping.file.project import load_project
from cdc.mapping.file.table_globs import source_pattern
from cdc.model import job_facts
from cdc.model.job import Job, JobKind, JobState, Options, Progress
from cdc.model.table_name import full_name, split_name
from cdc.preflight.followed_tables import UNSEEN, existing_now, followed_now
from cdc.terminal.counted import counted
from cdc.terminal.output import in_a_line, say, say_json
from cdc.terminal.spelling import spelling

FAILED = 1
_PARTICIPLE = {JobKind.RESYNC: "resynced", JobKind.VERIFY: "compared"}
"""What a job of a kind makes of a table, for messages about those that get none."""


def perform_on_tables(
    kind: JobKind, tables: Sequence[str], config_path: Path, output: str, options: Options
) -> int:
    """Run a job of `kind` on each table; return 1 if one failed or differences remain, else 0.

    A resync of named tables is one job each, as typed, and refused if ids are expressions. Without
    names it is what repairs each table of the mappings: for ids that are expressions a backfill,
    and a line that says what it leaves. Of a resync with `extra_only` only what it would remove is
    looked for, which changes nothing and fails for no difference.
    """
    config, mappings = load_project(config_path)
    unread: list[str] = []
    if tables:
        jobs = _requests(kind, _known(tables, mappings), config, options)
        require_possible(config, mappings, jobs)
    else:
        existing = existing_now(config, mappings)
        jobs, left = _on_every(kind, existing, config, mappings, options)
        gone = sorted({*followed_now(config, mappings)}.difference(existing))
        unread = [*(f"{table} {UNSEEN}: cdc check says more" for table in gone), *left]
        for text in unread:
            say(f"not {_PARTICIPLE[kind]}: {spelling()(in_a_line(text))}", err=True)
    if kind is JobKind.RESYNC and options.extra_only:
        jobs = [_dry(each) for each in jobs if each.kind is JobKind.RESYNC]
    display: Display = (BarDisplay if sys.stderr.isatty() else LineDisplay)(spelling())
    ended = run_jobs(config, mappings, jobs, display)
    if output == "json":
        say_json([job_facts.whole(each, active=True) for each in ended])  # none waits any more
    else:
        for each in ended:
            tell(each)
    differs = kind is JobKind.VERIFY and bool(unread)  # what is not compared may
    return FAILED if differs or any(_is_bad(each) for each in ended) else 0


def _requests(
    kind: JobKind, tables: Iterable[str], config: Config, options: Options
) -> Sequence[Job]:
    return [
        Job.request(config.name, kind, table, by="command-line", options=options)
        for table in tables
    ]


def _dry(resync: Job) -> Job:
    """Return the job that finds what a resync would remove; older daemons compare the table."""
    options = replace(resync.options, extra_only=True)
    return replace(resync, kind=JobKind.VERIFY, options=options)


def _on_every(
    kind: JobKind,
    tables: Sequence[str],
    config: Config,
    mappings: Sequence[Mapping],
    options: Options,
) -> tuple[Sequence[Job], Sequence[str]]:
    """Return the jobs on all tables, and what they leave out: ids that lead to no row."""
    if kind is JobKind.RESYNC:
        repair = repaired(config.name, mappings, tables, by="command-line")
        return repair.jobs, repair.left
    followed = TableRouter(mappings)
    jobs: list[Job] = []
    left: list[str] = []
    for table in tables:
        own = followed.mappings(*split_name(table))
        if all(map(leads_back, own)):
            jobs += _requests(kind, [table], config, options)
            continue
        for each in own:
            if leads_back(each):
                jobs += _requests(kind, [table], config, replace(options, target=each.target))
            else:
                left.append(f"{each.target}: {EXPRESSIONS}")
    return jobs, left


def _known(tables: Sequence[str], mappings: Sequence[Mapping]) -> Sequence[str]:
    """Return the full names of the tables that were named."""
    followed = TableRouter(mappings)
    return list(dict.fromkeys(_followed(table, followed, mappings) for table in tables))


def _followed(table: str, followed: TableRouter, mappings: Sequence[Mapping]) -> str:
    """Return the full name of a table, given as it is, or as a mapping names it."""
    for name in (split_name(table), source_pattern(table).named):
        if followed.mappings(*name):
            return full_name(*name)
    known = did_you_mean(table, [each.source for each in mappings])
    raise UsageError(f"no mapping follows {table}{known}")


def _is_bad(job: Job) -> bool:
    progress = job.progress
    compared = progress if not job.options.extra_only else None
    remaining = compared.differences - compared.repaired if compared else 0
    return job.state is not JobState.DONE or remaining > 0


def tell(job: Job) -> None:
    """Print how a job ended, and its findings."""
    progress = job.progress
    is_done = progress is not None and job.state is JobState.DONE
    told = f"{job.kind} {in_a_line(job.table)}: "
    say(told + (_counted(job, progress) if progress and is_done else job.state))
    if job.error:
        say(f"  {spelling()(job.error)}")
    if progress is None:
        return
    if not is_done:
        say(f"  {_counted(job, progress)}")
    kind = "" if _compares(job) else "removed" if job.kind is not JobKind.VERIFY else "extra"
    _tell_findings(progress, kind)
    count = progress.differences if _compares(job) else max(progress.removed, progress.extra)
    if (untold := count - len(progress.findings)) > 0:
        say(f"  and {untold} more: only the first {len(progress.findings)} are kept")
    if not _compares(job) or _is_bad(job):
        _tell_foreign(job, progress.foreign)


def _compares(job: Job) -> bool:
    """Return whether the job looks at values, and not only for documents to remove."""
    return job.kind is JobKind.VERIFY and not job.options.extra_only


def _counted(job: Job, progress: Progress) -> str:
    """Return in one line what a job has found, or done."""
    if _compares(job):
        return _compared(job, progress)
    if job.kind is JobKind.VERIFY:
        ours = progress.extra - progress.foreign
        return f"{counted(ours, 'document')} would be removed, or marked, as on_delete says"
    rows = counted(progress.rows, "row")
    return f"{rows}, {counted(progress.written, 'document')} written, {progress.removed} removed"


def _compared(job: Job, progress: Progress) -> str:
    """Return what a comparison has found; counts of nothing are left out."""
    if job.state is JobState.DONE and not progress.rows and not progress.differences:
        return "no row was compared: the source gave none"
    found = {
        "missing": progress.missing,
        "extra": progress.extra,
        "different": progress.different,
        "repaired": progress.repaired,
        "changing all the time": progress.unsettled,
        "with embedded values still to come": progress.owed,
    }
    counts = ", ".join(f"{count} {what}" for what, count in found.items() if count)
    equal = "all equal" if job.state is JobState.DONE else "all equal so far"
    share = job.percent_of_table or 100.0
    part = f" (about {share:.3g}% of the table)" if share < 100 else ""
    return f"{counted(progress.rows, 'row')} compared{part}, {counts or equal}"


def _tell_findings(progress: Progress, kind: str = "") -> None:
    for finding in progress.findings:
        fields = ", ".join(finding["fields"])
        note = f" ({finding['note']})" if "note" in finding else ""
        name = f"{finding['collection']} {finding['_id']!r}"
        say(f"  {kind or finding['kind']:9} {name} {fields}{note}".rstrip())


def _tell_foreign(job: Job, count: int) -> None:
    """Print how many documents no mapping could have made; they go once they are named."""
    if count > 0:
        text = (
            f"{counted(count, 'document has an id', 'documents have ids')} that no mapping makes: a"
            f" resync leaves such documents; to see them: cdc verify {job.table}; to remove those"
            f" that it names: cdc verify {job.table} --repair"
        )
        say(f"  {spelling()(in_a_line(text))}")
