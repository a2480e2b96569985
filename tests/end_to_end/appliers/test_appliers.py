"""Rounds that other processes write, which get them from Kafka: killed anywhere, each is once."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from cdc.writers.observer import LaneStep
from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.appliers import LANES, Applied
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.http import get


def attendance(daemon: Daemon) -> str | None:
    """What a daemon says of the lanes that appliers write."""
    _, text = get(daemon, "/readyz")
    told: str | None = json.loads(text)["process"]["attendance"]
    return told


def appliers_told(applied: Applied) -> list[dict[str, Any]]:
    """The appliers that `cdc status` lists."""
    told: list[dict[str, Any]] = json.loads(
        cdc(applied.stream, "status", "--output", "json").stdout
    )["appliers"]
    return told


def test_appliers_write_the_rounds_of_a_daemon(applied: Applied) -> None:
    applied.stream.settings["http"] = {"listen": "127.0.0.1:0"}
    appliers = [applied.apply(), applied.apply()]
    reader = applied.read()
    reader.until_logged("streaming")
    before = attendance(reader)
    applied.until_attended(reader)

    applied.write()
    applied.stream.settle()

    assert (before, attendance(reader)) == ("not asked", "attended")
    assert len(applied.rounds()) == LANES
    assert max(applied.rounds()) > 0
    assert not reader.events("round_failed")
    # A lane that Kafka has just given to another applier has nobody until its next part.
    applied.write_until(
        lambda: sum(each["lanes"] for each in appliers_told(applied)) == LANES,
        waiting_for="the status to tell who has each lane",
    )
    assert {each["pid"] for each in appliers_told(applied)} <= {each.pid for each in appliers}
    for each in appliers:
        assert each.stop() == 0, each.stderr
    assert reader.stop() == 0, reader.stderr
    state = applied.stream.state_document()
    assert state is not None
    assert state["lanes"] == []


def test_a_stream_goes_on_without_appliers(applied: Applied) -> None:
    applied.read()
    applied.write()

    applied.stream.settle()

    assert applied.rounds() == [0] * LANES


@pytest.mark.parametrize("step", [LaneStep.IN_PART, LaneStep.AFTER_PART], ids=str)
@pytest.mark.parametrize("count", [1, 4])
def test_another_applier_writes_what_one_that_died_left(
    applied: Applied, step: LaneStep, count: int
) -> None:
    died = applied.apply(fault=f"{step.value}:{count}")
    reader = applied.read()
    applied.until_attended(reader)
    applied.write_until(lambda: not died.running, waiting_for="the fault")
    assert died.wait() == -9

    applied.apply()
    applied.write()

    applied.stream.settle()


def test_a_stream_goes_on_soon_without_an_applier_that_was_stopped(applied: Applied) -> None:
    stopped = applied.apply()
    reader = applied.read()
    applied.until_attended(reader)

    assert stopped.stop() == 0, stopped.stderr
    left = applied.stream.state["lanes"].count_documents({"left": True})
    applied.write()
    applied.stream.settle()

    assert left == LANES
    assert "has ended" in reader.events("round_failed")[-1]["error"]
    applied.apply()
    applied.until_attended(reader, 2)


def test_a_daemon_that_died_amid_a_round_is_resumed_exactly_there(applied: Applied) -> None:
    applied.apply()
    reader = applied.read(fault=f"{LaneStep.BEFORE_CLOSE.value}:2")
    applied.write_until(lambda: not reader.running, waiting_for="the fault")
    assert reader.wait() == -9
    assert applied.read(fault=f"{LaneStep.LANES_CLOSED.value}:1").wait() == -9
    assert applied.read(fault="after_commit:1").wait() == -9

    again = applied.read()
    applied.until_attended(again)

    applied.write()
    applied.stream.settle()


def test_an_applier_that_was_frozen_writes_nothing_behind_another(applied: Applied) -> None:
    frozen = applied.apply(fault=f"{LaneStep.IN_PART.value}:2:SIGSTOP")
    reader = applied.read()
    applied.until_attended(reader)
    fault = f"fault: {LaneStep.IN_PART.value}"
    applied.write_until(lambda: fault in frozen.stderr, waiting_for="the fault")

    applied.apply()
    applied.write()
    applied.stream.settle()
    frozen.send(signal.SIGCONT)
    applied.until_attended(reader)
    applied.write()

    applied.stream.settle()
    assert frozen.running


def test_a_row_that_is_refused_in_a_round_is_set_aside_alone(applied: Applied) -> None:
    stream = applied.stream
    stream.mongo_refuses("items", {"version": {"$ne": 7}})
    applied.apply()
    reader = applied.read()
    applied.until_attended(reader)

    stream.sql("INSERT INTO items VALUES (1000000, 7)")
    applied.write()
    stream.until_caught_up()

    assert sorted(stream.ledger()) == sorted(stream.history.committed())
    [letter] = stream.state["dead_letters"].find()
    assert letter["key"] == 1_000_000


def test_a_stream_goes_on_while_kafka_is_away(applied: Applied, kafka: KafkaServer) -> None:
    applied.apply()
    reader = applied.read()
    applied.until_attended(reader)

    kafka.kill()
    applied.write()
    applied.stream.settle()
    kafka.start()

    applied.until_attended(reader, 2)
    applied.write()
    applied.stream.settle()


def test_who_writes_may_change_at_each_start(applied: Applied) -> None:
    stream = applied.stream
    applied.apply()
    for role in ("read", "all", "read"):
        daemon = stream.start("--role", role)
        if role == "read":
            applied.until_attended(daemon)
        applied.write()
        stream.settle()
        assert daemon.stop() == 0, daemon.stderr


def test_an_applier_of_another_database_says_so(applied: Applied) -> None:
    target = applied.stream.settings["target"]
    mine = target["database"]
    target["database"] = f"{mine}_other"
    applier = applied.apply()
    applier.until_logged("applying")
    target["database"] = mine
    applied.read()

    applied.write_until(lambda: not applier.running, waiting_for="its end")
    assert applier.wait() == 3
    assert f"write target.database: {mine}" in applier.stderr
    applied.stream.settle()


@pytest.mark.parametrize("role", ["read", "apply"])
def test_a_role_needs_a_kafka_and_says_what_to_write(applied: Applied, role: str) -> None:
    del applied.stream.settings["apply"]["kafka"]
    applied.stream.configure()

    refused = cdc(applied.stream, "run", "--role", role)

    assert refused.returncode == 2
    assert "write apply.lanes: 4, or more, and apply.kafka: {bootstrap_servers:" in refused.stderr
