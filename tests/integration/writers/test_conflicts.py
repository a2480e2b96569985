"""A batch that meets a write conflict again and again is sent in parts, or says why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from structlog.testing import capture_logs

from cdc.model.batch import Batch
from cdc.writers.conflicts import NORMAL_CONFLICTS
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.failing import fail
from tests.integration.writers.support.writers import begun
from tests.support.faults import Faults
from tests.unit.writers.dead_letters.support.batches import insert, transaction

CODES = {"WriteConflict": 112, "TemporarilyUnavailable": 365}


@pytest.fixture
def writer(failing_client: MongoClient[dict[str, Any]]) -> Iterator[MongoWriter]:
    for name in ("docs", "state"):
        failing_client.drop_database(name)
    with begun(
        failing_client,
        "docs",
        "state",
        observer=Faults(ledger="ledger"),
        lease_seconds=1.0,  # which also bounds the waits between attempts
    ) as writer:
        yield writer


def ids(failing_client: MongoClient[dict[str, Any]], collection: str = "docs.c") -> list[Any]:
    database, _, name = collection.partition(".")
    return sorted(each["_id"] for each in failing_client[database][name].find())


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_source_transactions_are_sent_apart_and_each_is_applied_once(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter, code: int
) -> None:
    fail(failing_client, NORMAL_CONFLICTS + 1, code, "insert")

    with capture_logs() as logs:
        writer.apply(Batch(tuple(transaction(n, [insert(n)]) for n in (1, 2, 3, 4))))

    cut = [each["operations"] for each in logs if each["event"] == "batch_cut"]
    assert cut == [4, 2], "the half is cut at its first conflict"
    assert ids(failing_client) == [1, 2, 3, 4]
    assert ids(failing_client, "state.ledger") == ["uuid:1", "uuid:2", "uuid:3", "uuid:4"]
    state = writer.read_state() or {}
    assert state["position"]["offset"] == 400


def test_one_source_transaction_is_never_torn_apart_and_says_why_it_waits(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    fail(failing_client, 2 * NORMAL_CONFLICTS, CODES["WriteConflict"], "insert")

    with capture_logs() as logs:
        writer.apply(Batch((transaction(1, [insert(1)], [insert(2)]),)))

    assert not [each for each in logs if each["event"] == "batch_cut"]
    conflicts = [each for each in logs if each["event"] == "batch_conflicts"]
    assert [each["attempts"] for each in conflicts] == [NORMAL_CONFLICTS, 2 * NORMAL_CONFLICTS]
    assert conflicts[0]["operations"] == 2
    assert "cacheSizeGB" in conflicts[0]["remedy"]
    retries = [each["error"] for each in logs if each["event"] == "target_retry"]
    assert ["cacheSizeGB" in each for each in retries] == [
        each >= NORMAL_CONFLICTS for each in range(1, 2 * NORMAL_CONFLICTS + 1)
    ]
    assert ids(failing_client) == [1, 2]
    assert ids(failing_client, "state.ledger") == ["uuid:1"]


def test_a_conflict_on_the_state_itself_cuts_nothing(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    fail(failing_client, NORMAL_CONFLICTS + 1, CODES["WriteConflict"], "update")

    with capture_logs() as logs:
        writer.apply(Batch(tuple(transaction(n, [insert(n)]) for n in (1, 2))))

    assert not [each for each in logs if each["event"] == "batch_cut"]
    assert ids(failing_client, "state.ledger") == ["uuid:1", "uuid:2"]
