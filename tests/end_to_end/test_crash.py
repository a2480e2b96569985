"""kill -9 at each point of a batch: a restart goes on as if nothing had happened."""

from __future__ import annotations

import time

import pytest

from cdc.writers.observer import WriteStep
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream

RESTARTED_WITHIN_SECONDS = 40
"""A transaction that the dead daemon left open would hold the state document for 60 s."""


IN_A_BATCH = [
    WriteStep.BEFORE_TRANSACTION,
    WriteStep.AFTER_FIRST_WRITE,
    WriteStep.BEFORE_COMMIT,
    WriteStep.AFTER_COMMIT,
]


@pytest.fixture
def accounts(stream: Stream) -> Stream:
    stream.settings["apply"] = {"batch_rows": 1}  # each transaction a batch of its own
    stream.table("accounts", "id INT NOT NULL PRIMARY KEY, amount INT NOT NULL")
    return stream


@pytest.mark.parametrize("point", IN_A_BATCH, ids=lambda point: point.value)
def test_a_daemon_killed_in_a_batch_is_resumed_exactly_there(
    accounts: Stream, point: WriteStep
) -> None:
    accounts.sql("INSERT INTO accounts VALUES (1, 100), (2, 100)")
    accounts.transaction(
        "UPDATE accounts SET amount = amount - 30 WHERE id = 1",
        "UPDATE accounts SET amount = amount + 30 WHERE id = 2",
    )
    accounts.sql("UPDATE accounts SET id = id + 10", "DELETE FROM accounts WHERE id = 11")

    for batch in (1, 2):
        died = accounts.start(fault=f"{point.value}:{batch}")
        assert died.wait() == -9
        assert f"fault: {point.value}" in died.stderr
    began = time.monotonic()
    accounts.start()
    accounts.settle()

    assert time.monotonic() - began < RESTARTED_WITHIN_SECONDS


@ONE_KIND
def test_a_daemon_killed_after_its_commit_repeats_nothing(accounts: Stream) -> None:
    accounts.sql("INSERT INTO accounts VALUES (1, 100)")

    accounts.start(fault="after_commit:1").wait()

    assert accounts.documents("accounts") == {1: {"amount": 100}}
    accounts.start()
    accounts.settle()


@ONE_KIND
def test_a_daemon_killed_before_its_commit_leaves_nothing_visible(accounts: Stream) -> None:
    accounts.sql("INSERT INTO accounts VALUES (1, 100)")

    accounts.start(fault="before_commit:1").wait()

    assert accounts.documents("accounts") == {}
    assert accounts.ledger() == []
    accounts.start()
    accounts.settle()
