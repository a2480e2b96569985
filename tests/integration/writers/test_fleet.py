"""All streams of a state database, asked about at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.model.job import Job, JobKind, JobState
from cdc.writers.fleet import StreamRecord, streams_of
from cdc_sandbox.servers import MongoServer
from tests.support.sent_commands import SentCommands

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("streams", [1, 30])
def test_it_asks_as_often_for_many_streams_as_for_one(
    mongo: MongoServer, state_database: str, streams: int
) -> None:
    commands = SentCommands()
    client: MongoClient[dict[str, Any]] = MongoClient(mongo.uri, event_listeners=[commands])
    with client:
        state = client[state_database]
        job = replace(
            Job.request("s0", JobKind.RESYNC, "a.b", by="test"),
            state=JobState.FAILED,
            requested_at=NOW,
        )
        for each in map(str, range(streams)):
            name = f"s{each}"
            state["streams"].insert_one({"_id": name})
            failed = replace(job, id=f"failed-{each}", stream=name)
            waiting = replace(failed, id=f"waiting-{each}", state=JobState.QUEUED)
            state["jobs"].insert_many([failed.to_document(), waiting.to_document()])
            state["dead_letters"].insert_one({"_id": each, "stream": name, "state": "open"})
            state["debts"].insert_one({"_id": {"stream": name, "embed": "e", "key": 1}})
        commands.names.clear()

        found = streams_of(state)
        assert commands.names == ["aggregate"] * 3 + ["find", "find", "aggregate"]
    assert len(found) == streams
    assert {_counts(each) for each in found} == {(1, 1, 1, 1)}


def _counts(record: StreamRecord) -> tuple[int, int, int, int]:
    jobs = record.jobs
    return jobs[JobState.FAILED], jobs[JobState.QUEUED], record.letters, record.debts
