"""First copies whose tables change, or that somebody helps with who is set up otherwise."""

from __future__ import annotations

import subprocess

import pytest

from cdc.commands.run import worker_command
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.first_copies import slow, until_begun, until_ranges
from tests.end_to_end.support.shuffling import ROWS, assert_same
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually


def copying(stream: Stream) -> Document | None:
    state = stream.state_document()
    return state.get("copying") if state else None


@ONE_KIND
@pytest.mark.parametrize(
    "change", ["DROP TABLE others", "ALTER TABLE others DROP PRIMARY KEY"], ids=["gone", "keyless"]
)
def test_a_table_that_nobody_can_cut_any_more_is_set_aside(filled: Stream, change: str) -> None:
    filled.table("others", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    filled.sql("INSERT INTO others VALUES (1, 'a')")

    filled.start(ledger=False)
    eventually(lambda: copying(filled), waiting_for="the stream to be held")
    filled.sql(change)  # workers are a second of imports away
    eventually(
        lambda: filled.daemon.events("table_set_aside") or filled.daemon.events("copy_done"),
        waiting_for="the table to be set aside",
    )
    until_begun(filled)

    [told] = filled.daemon.events("table_set_aside")
    assert told["table"] == f"{filled.schema}.others"
    assert filled.daemon.events("worker_ended") == []
    filled.tables.remove("others")
    assert_same(filled)


@ONE_KIND
def test_a_worker_of_a_daemon_that_fails_ends_with_the_code_of_its_error(filled: Stream) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()
    filled.follow("things", {"exclude": ["name"]})

    command = worker_command(filled.config)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stderr is not None
        told = worker.stderr.read().decode()

    assert worker.returncode == 2, told
    assert "not those by which its first copy was begun" in told


@ONE_KIND
def test_a_copy_into_another_database_is_refused_as_it_goes_on(filled: Stream) -> None:
    slow(filled, 200)
    filled.start(ledger=False)
    until_ranges(filled)
    filled.stop_copying()
    right = filled.settings["target"]
    filled.settings["target"] = {**right, "database": f"{right['database']}_elsewhere"}
    filled.configure()

    worker = cdc(filled, "work")
    daemon = filled.start(ledger=False)

    assert worker.returncode == 2, worker.stderr
    assert f"the first copy goes to {right['database']}" in worker.stderr
    assert daemon.wait() == 2
    assert f"write target.database: {right['database']}" in daemon.stderr
    assert f"{right['database']}_elsewhere" not in filled.client.list_database_names()
    filled.settings["target"] = right
    slow(filled, ROWS)
    filled.start(ledger=False)
    until_begun(filled)
    assert_same(filled)
