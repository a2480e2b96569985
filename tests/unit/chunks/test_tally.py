from __future__ import annotations

from cdc.chunks.tally import CopyTally
from cdc.jobs import Job, JobKind, JobState, Progress


def job(kind: JobKind = JobKind.BACKFILL) -> Job:
    return Job.request("orders", kind, "shop.orders", by="test")


def test_rows_that_were_copied_before_the_process_are_not_counted() -> None:
    tally, resumed = CopyTally(), job()

    tally.begun(resumed, Progress(rows=500, total=1000))
    tally.at(resumed, Progress(rows=700, total=1000))

    assert tally.rows == {"shop.orders": 200}
    assert tally.ratios == {"shop.orders": 0.7}


def test_rows_that_another_process_copied_meanwhile_are_not_counted() -> None:
    tally, copy = CopyTally(), job()
    tally.begun(copy, Progress())
    tally.at(copy, Progress(rows=100))

    tally.begun(copy, Progress(rows=900))
    tally.at(copy, Progress(rows=950))

    assert tally.rows == {"shop.orders": 150}


def test_the_count_does_not_go_down_when_a_piece_was_not_applied_after_all() -> None:
    tally, copy = CopyTally(), job()
    tally.begun(copy, Progress())
    tally.at(copy, Progress(rows=100))

    tally.begun(copy, Progress(rows=50))

    assert tally.rows == {"shop.orders": 100}


def test_a_copy_is_done_when_it_is_and_not_when_the_estimate_is_reached() -> None:
    tally, copy = CopyTally(), job()
    tally.begun(copy, Progress(rows=0))

    tally.at(copy, Progress(rows=1200, total=1000))
    before = tally.ratios["shop.orders"]
    tally.ended(copy, JobState.DONE)

    assert before < 1
    assert tally.ratios["shop.orders"] == 1


def test_a_part_of_a_table_says_nothing_of_how_much_of_it_is_copied() -> None:
    tally, whole, part = CopyTally(), job(), job()
    tally.begun(whole, Progress(rows=1000, total=1000))
    tally.ended(whole, JobState.DONE)

    tally.begun(part, Progress(rows=10, total=0))

    assert tally.ratios["shop.orders"] == 1


def test_a_copy_that_was_left_has_no_progress() -> None:
    tally, copy = CopyTally(), job()
    tally.begun(copy, Progress(rows=1, total=1000))

    tally.ended(copy, JobState.FAILED)

    assert tally.ratios == {}


def test_a_verification_copies_nothing() -> None:
    tally, verification = CopyTally(), job(JobKind.VERIFY)

    tally.begun(verification, Progress())
    tally.at(verification, Progress(rows=1000))
    tally.ended(verification, JobState.DONE)

    assert not tally.rows
    assert not tally.ratios
