from __future__ import annotations

import signal

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


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
