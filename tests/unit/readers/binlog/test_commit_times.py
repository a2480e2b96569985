from __future__ import annotations

from cdc.readers.binlog.commit_times import CommitTimes

NOON = 1_700_000_000.0
LONG_AGO = NOON - 25 * 365 * 86_400


class Source:
    def __init__(self) -> None:
        self.now: float | None = NOON
        self.times = CommitTimes(lambda: self.now)


def test_a_time_that_can_be_is_taken_as_told() -> None:
    source = Source()
    source.times.file_begun(NOON - 3600)

    assert source.times.judged(NOON - 1800) == NOON - 1800
    assert source.times.judged(NOON - 1900) == NOON - 1900


def test_a_time_before_the_last_proof_becomes_that_of_the_proof() -> None:
    source = Source()
    source.times.file_begun(NOON - 3600)
    source.times.read_all()

    assert source.times.judged(LONG_AGO) == NOON


def test_a_time_too_early_becomes_that_of_the_transaction_before() -> None:
    source = Source()
    source.times.file_begun(NOON - 3600)
    source.times.judged(NOON - 20)

    assert source.times.judged(LONG_AGO) == NOON - 20
    assert source.times.judged(NOON - 10) == NOON - 10


def test_a_time_that_has_not_come_yet_becomes_now() -> None:
    source = Source()

    assert source.times.judged(NOON + 86_400) == NOON
    assert source.times.judged(NOON + 5) == NOON
    assert source.times.judged(NOON + 0.5) == NOON + 0.5


def test_a_file_that_has_not_begun_yet_proves_nothing() -> None:
    source = Source()
    source.times.file_begun(NOON + 86_400)

    assert source.times.judged(NOON - 3600) == NOON - 3600


def test_without_the_source_s_time_what_is_told_is_taken() -> None:
    source = Source()
    source.now = None
    source.times.read_all()

    assert source.times.judged(LONG_AGO) == LONG_AGO
