"""A command that waits for a job outlives what the job needs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from cdc_sandbox.servers import MySQLServer, mongo_server
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.sources import ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually


@pytest.fixture
def own_target(mysql: MySQLServer, make_stream: MakeStream) -> Iterator[Stream]:
    """A stream to a target that the test may stop, of one slow table."""
    with mongo_server() as mongo, mongo.client() as client:
        stream = make_stream(mysql, mongo, client, MysqlGtids)
        stream.settings["chunks"] = {"rows": 1, "rows_per_second": 5}
        stream.table("things", "id INT PRIMARY KEY, name VARCHAR(9)")
        stream.start(ledger=False)
        stream.sql("INSERT INTO things VALUES " + ",".join(f"({n}, 'x')" for n in range(30)))
        stream.until_caught_up()
        yield stream
        stream.close()


@pytest.mark.slow
@pytest.mark.parametrize("beside", ["a daemon", "nobody"])
def test_a_command_waits_for_a_target_that_is_away_as_its_job_does(
    own_target: Stream, beside: str
) -> None:
    if beside == "nobody":
        own_target.stop()
    command = Command(own_target, "verify", f"{own_target.schema}.things")
    eventually(lambda: own_target.state["jobs"].find_one({"state": "running"}))

    own_target.mongo.kill()
    eventually(lambda: command.ended or "the job waits for it" in command.stderr)
    own_target.mongo.start()

    assert command.returncode == 0, command.stderr
    assert command.stderr.count("the job waits for it") == 1
    assert "30 rows compared" in command.stdout
    assert own_target.state["jobs"].count_documents({}) == 1
    assert own_target.daemon.running is (beside == "a daemon")


@ONE_KIND
def test_a_command_says_that_the_daemon_is_gone_and_its_job_outlives_it(stream: Stream) -> None:
    stream.settings["chunks"] = {"rows": 1, "rows_per_second": 1}
    stream.table("things", "id INT PRIMARY KEY, name VARCHAR(9)")
    stream.start(ledger=False)
    stream.sql("INSERT INTO things VALUES " + ",".join(f"({n}, 'x')" for n in range(60)))
    stream.until_caught_up()
    command = Command(stream, "backfill", f"{stream.schema}.things")
    eventually(lambda: stream.state["jobs"].find_one({"state": "running"}))
    stream.daemon.kill()

    eventually(lambda: "no daemon of" in command.stderr)
    command.send(signal.SIGINT)

    assert command.returncode == 130
    assert "Traceback" not in command.stderr
    [job] = stream.state["jobs"].find()
    assert job["state"] == "running"
