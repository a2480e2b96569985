from __future__ import annotations

from cdc.chunks.stats import CopyCounters
from cdc.model.job import Job, JobKind, JobState, Progress


def job(kind: JobKind = JobKind.BACKFILL) -> Job:
    return Job.request("orders", kind, "shop.orders", by="test")


def test_rows_that_were_copied_before_the_process_are_not_counted() -> None:
    counters, resumed = CopyCounters(), job()

    counters.begun(resumed, Progress(rows=500, total=1000))
    counters.at(resumed, Progress(rows=700, total=1000))

    assert counters.rows == {"shop.orders": 200}
    assert counters.ratios == {"shop.orders": 0.7}


def test_rows_that_another_process_copied_meanwhile_are_not_counted() -> None:
    counters, copy = CopyCounters(), job()
    counters.begun(copy, Progress())
    counters.at(copy, Progress(rows=100))

    counters.begun(copy, Progress(rows=900))
    counters.at(copy, Progress(rows=950))

    assert counters.rows == {"shop.orders": 150}


def test_the_count_does_not_go_down_when_a_piece_was_not_applied_after_all() -> None:
    counters, copy = CopyCounters(), job()
    counters.begun(copy, Progress())
    counters.at(copy, Progress(rows=100))

    counters.begun(copy, Progress(rows=50))

    assert counters.rows == {"shop.orders": 100}


def test_a_copy_is_done_when_it_is_and_not_when_the_estimate_is_reached() -> None:
    counters, copy = CopyCounters(), job()
    counters.begun(copy, Progress(rows=0))

    counters.at(copy, Progress(rows=1200, total=1000))
    before = counters.ratios["shop.orders"]
    counters.ended(copy, JobState.DONE)

    assert before < 1
    assert counters.ratios["shop.orders"] == 1


def test_a_part_of_a_table_says_nothing_of_how_much_of_it_is_copied() -> None:
    counters, whole, part = CopyCounters(), job(), job()
    counters.begun(whole, Progress(rows=1000, total=1000))
    counters.ended(whole, JobState.DONE)

    counters.begun(part, Progress(rows=10, total=0))

    assert counters.ratios["shop.orders"] == 1


def test_a_copy_that_was_left_has_no_progress() -> None:
    counters, copy = CopyCounters(), job()
    counters.begun(copy, Progress(rows=1, total=1000))

    counters.ended(copy, JobState.FAILED)

    assert counters.ratios == {}


def test_a_verification_copies_nothing() -> None:
    counters, verification = CopyCounters(), job(JobKind.VERIFY)

    counters.begun(verification, Progress())
    counters.at(verification, Progress(rows=1000))
    counters.ended(verification, JobState.DONE)

    assert not counters.rows
    assert not counters.ratios
