"""The target has a primary and no majority: everything waits, says so, and can be stopped."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.http import get
from tests.end_to_end.support.stream import Stream
from tests.support.three_members import ThreeMembers
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

STALLED_SECONDS = 15
"""Longer than one wait for a majority; a daemon that sat in the driver would be stalled."""

STOPS_WITHIN_SECONDS = 25
"""One wait for a majority, the reader's end and the lease's release, on a busy machine."""


def test_a_daemon_without_a_majority_says_so_lives_and_can_be_stopped(
    members: ThreeMembers, of_three: Stream
) -> None:
    stream = of_three
    stream.settings["http"] = {"listen": "127.0.0.1:0", "stalled_after_seconds": STALLED_SECONDS}
    daemon = stream.start()
    stream.sql("INSERT INTO items VALUES (1, 0)")
    stream.until_caught_up()

    def trouble() -> dict[str, Any]:
        facts = json.loads(get(daemon, "/readyz")[1])
        return facts["process"]["trouble"]["target"] or {"error": "", "seconds": 0}

    with members.lagging():
        stream.sql("INSERT INTO items VALUES (2, 0)")
        eventually(lambda: trouble()["seconds"] > STALLED_SECONDS + 15, waiting_for="the trouble")

        assert "no majority" in trouble()["error"]
        assert get(daemon, "/healthz")[0] == 200
        assert get(daemon, "/readyz")[0] == 503
        assert "a majority has them" in cdc(stream, "check").stdout
        began = time.monotonic()
        assert daemon.stop() == 0, daemon.stderr
        assert time.monotonic() - began < STOPS_WITHIN_SECONDS
        successor = stream.start()
        successor.until_logged("target_retry")

    stream.settle()
    assert not successor.events("standby"), "it stands by for nobody, least of all itself"


def test_a_command_waits_until_a_majority_has_the_job_that_it_asks_for(
    members: ThreeMembers, of_three: Stream
) -> None:
    stream = of_three
    stream.start(ledger=False)
    stream.sql("INSERT INTO items VALUES (1, 0)")
    stream.until_caught_up()

    with members.lagging():
        command = Command(stream, "verify", f"{stream.schema}.items")
        eventually(lambda: command.ended or "the job waits for it" in command.stderr)

    assert command.returncode == 0, command.stderr
    assert "no majority of the target's members has" in command.stderr
    assert stream.state["jobs"].count_documents({"kind": "verify"}) == 1


def test_a_removal_that_no_majority_has_says_so_and_is_done_when_typed_again(
    members: ThreeMembers, of_three: Stream
) -> None:
    stream = of_three
    stream.start(ledger=False)
    stream.sql("INSERT INTO items VALUES (1, 0)")
    stream.until_caught_up()
    stream.stop()

    with members.lagging():
        refused = cdc(stream, "stream", "remove", stream.name, "--yes")
        assert refused.returncode == 1
        assert "it may still take effect" in refused.stderr

    assert cdc(stream, "stream", "remove", stream.name, "--yes").returncode == 0
    assert stream.state_document() is None
