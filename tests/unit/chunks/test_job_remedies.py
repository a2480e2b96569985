"""What is said of a job that failed, beside the error."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.chunks.worker import remedy_of
from cdc.errors import CdcError, NoWayBack
from cdc.mapping.file.problems import MappingError, Problem
from cdc.model.job import Job, JobKind

JOB = Job.request("s", JobKind.RESYNC, "shop.orders", by="somebody")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CdcError("no"), "ask again: cdc resync shop.orders"),
        (CdcError("no", remedy="wait"), "wait; then ask again: cdc resync shop.orders"),
        (
            MappingError([Problem(Path("orders.yaml"), 1, "no column `a`")]),
            "edit the mapping and start again; then ask again: cdc resync shop.orders",
        ),
    ],
)
def test_a_job_is_asked_for_again_behind_what_has_to_be_done_first(
    error: CdcError, said: str
) -> None:
    assert remedy_of(JOB, error) == said


def test_a_job_that_can_never_be_done_is_not_asked_for_again() -> None:
    error = NoWayBack("no", remedy="copy the rows alone: cdc backfill shop.orders")

    assert remedy_of(JOB, error) == "copy the rows alone: cdc backfill shop.orders"
