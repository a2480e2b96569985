"""Checks whether a request on a table is possible, before a job is queued.

A job that fails because of what was typed would be reported until somebody cancels it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from cdc.chunks.source_table import SourceTables
from cdc.chunks.throttle import Throttle
from cdc.config import Config
from cdc.errors import Retryable
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.model.job import Job
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.select.keys import written

_UNTHROTTLED: Final = Throttle(rows_per_second=None, max_lag_seconds=0.0, lag_seconds=lambda: 0.0)


def require_possible(config: Config, mappings: Sequence[Mapping], jobs: Sequence[Job]) -> None:
    """Raise UsageError or Unfit for a job that its table cannot take.

    If the source cannot be reached now, only jobs with a range are refused. The others can be
    queued, and report their own errors.
    """
    tables = SourceTables(config, TableRouter(mappings), _UNTHROTTLED)
    for job in jobs:
        try:
            with tables.open(job, lambda _: None):
                pass  # opening it checks the job against its table, key and mappings
            if job.options.reads_a_range:
                _require_range(config, job)
        except Retryable:
            if job.options.reads_a_range:
                raise


def _require_range(config: Config, job: Job) -> None:
    options = job.options
    with closing(ChunkReader(config.source)) as reader:
        table = reader.open(*job.named)
        first, last = (key and written(table.key, key) for key in (options.first, options.last))
        reader.require_range(table, first=first, last=last, where=options.where)
