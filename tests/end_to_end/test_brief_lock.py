"""MySQL without GTIDs: what a copy does while a long transaction holds its table."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

WATCHED_SECONDS = 5


def locks(stream: Stream) -> int:
    """How often the server was asked for a lock since it started."""
    [(_, count)] = stream.source.execute("SHOW GLOBAL STATUS LIKE 'Com_lock_tables'")
    return int(count)


@pytest.mark.parametrize("stream", ["mysql-file"], indirect=True)
def test_writers_are_not_held_up_again_and_again_and_the_job_can_be_given_up(
    stream: Stream,
) -> None:
    stream.settings["chunks"] = {"allow_brief_lock": True}
    stream.table("things", "id INT PRIMARY KEY, name VARCHAR(9)")
    stream.start(ledger=False)
    stream.until_streaming()
    before, number = locks(stream), 2
    with closing(stream.source.connect(stream.schema, autocommit=False)) as holder:
        with holder.cursor() as cursor:
            cursor.execute("INSERT INTO things VALUES (1, 'long')")
        copy = Command(stream, "backfill", f"{stream.schema}.things")
        eventually(lambda: locks(stream) > before)
        until = time.monotonic() + WATCHED_SECONDS
        while time.monotonic() < until:
            stream.sql(f"INSERT INTO things VALUES ({number}, 'short')")
            number += 1
        asked = locks(stream) - before
        job = stream.state["jobs"].find_one({"state": "running"})
        assert job is not None
        assert Command(stream, "jobs", "cancel", job["_id"]).returncode == 0
        assert copy.returncode == 1
        stream.daemon.until_logged("job_set_aside")
        holder.rollback()

    assert asked == 1  # the lock is waited for a second, in which nobody else writes


@pytest.mark.parametrize("stream", ["mysql-file"], indirect=True)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_first_copy_is_refused_until_the_lock_is_allowed(stream: Stream, workers: int) -> None:
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"workers": workers}
    stream.table("things", "id INT PRIMARY KEY, name VARCHAR(9)")
    stream.sql("INSERT INTO things VALUES (1, 'one')")

    refused = stream.start(ledger=False)
    code = refused.wait()
    checked = cdc(stream, "check")
    stream.settings["chunks"]["allow_brief_lock"] = True
    stream.start(ledger=False)
    eventually(lambda: stream.documents("things") == {1: {"name": "one"}})

    assert code == 3
    [stopped] = refused.events("stopped")
    assert "chunks.allow_brief_lock: true" in stopped["remedy"]
    assert checked.returncode == 3
    assert "unfit       chunks.allow_brief_lock: " in checked.stdout


@pytest.mark.parametrize("stream", ["mysql-file"], indirect=True)
def test_a_stream_that_copies_nothing_needs_no_lock(stream: Stream) -> None:
    stream.table("things", "id INT PRIMARY KEY, name VARCHAR(9)")
    stream.start(ledger=False)
    stream.until_streaming()

    assert cdc(stream, "check").returncode == 0
