from __future__ import annotations

import signal

import pytest

from cdc.writers.observer import LaneStep, PublishStep, WriteStep
from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.published import assert_told_in_order, told, transactions
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # daemons die, and wait for leases

STEPS = [
    *PublishStep,
    WriteStep.BEFORE_TRANSACTION,
    WriteStep.AFTER_FIRST_WRITE,
    WriteStep.BEFORE_COMMIT,
    WriteStep.AFTER_COMMIT,
]
BETWEEN_THE_COMMITS = {
    PublishStep.AFTER_COMMIT,
    WriteStep.BEFORE_TRANSACTION,
    WriteStep.AFTER_FIRST_WRITE,
    WriteStep.BEFORE_COMMIT,
}
"""Kafka has the batch then, and MongoDB has not."""
BATCHES = 6


def insert(stream: Stream, keys: range) -> None:
    """Insert rows, two a transaction, with little in a batch."""
    for key in keys[::2]:
        stream.transaction(*(f"INSERT INTO items VALUES ({each}, 'w')" for each in (key, key + 1)))


@pytest.fixture
def small(publishing: Stream) -> Stream:
    """A stream with two transactions a batch, and a short lease."""
    publishing.settings["apply"] = {"batch_rows": 4}
    publishing.settings["lease"] = {"ttl_seconds": 2}
    return publishing


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{type(step).__name__}.{step.name}")
def test_a_daemon_that_is_killed_loses_nothing_and_repeats_one_batch(
    small: Stream, step: PublishStep | WriteStep
) -> None:
    daemon = small.start(fault=f"{step.value}:3")
    daemon.until_logged("streaming")
    insert(small, range(4 * BATCHES))
    assert daemon.wait() == -signal.SIGKILL

    small.start()
    small.settle()

    messages = told(small, "items")
    assert_told_in_order(messages, range(4 * BATCHES), replays=1)
    assert (len(messages) > 4 * BATCHES) == (step in BETWEEN_THE_COMMITS)


@pytest.mark.parametrize(
    "step",
    [LaneStep.IN_PART, LaneStep.AFTER_PART, LaneStep.BEFORE_CLOSE],
    ids=lambda step: step.name,
)
def test_lanes_are_told_as_one_batch(small: Stream, step: LaneStep) -> None:
    small.settings["apply"] |= {"lanes": 2, "linger_ms": 2_000}
    small.start()
    small.until_streaming()
    small.stop()
    insert(small, range(8 * BATCHES))
    daemon = small.start(fault=f"{step.value}:2")
    assert daemon.wait() == -signal.SIGKILL

    small.start()
    small.settle()

    assert_told_in_order(told(small, "items"), range(8 * BATCHES), replays=1)


def test_a_transaction_in_parts_goes_on_with_its_numbers(small: Stream) -> None:
    small.settings["apply"] = {"transaction_bytes": 2_000, "batch_rows": 4}
    daemon = small.start(fault=f"{PublishStep.AFTER_COMMIT.value}:3")
    daemon.until_logged("streaming")
    small.transaction(*(f"INSERT INTO items VALUES ({key}, 'w')" for key in range(40)))
    assert daemon.wait() == -signal.SIGKILL

    small.start()
    small.until_caught_up()

    messages = told(small, "items")
    assert_told_in_order(messages, range(40), replays=1)
    assert {(each.key["id"], each.place[1]) for each in messages} == {
        (key, key + 1) for key in range(40)
    }
    statuses = [each.value["status"] for each in transactions(small)]
    assert statuses.count("END") == 1
    assert transactions(small)[-1].value["event_count"] == 40


def test_a_broker_that_is_killed_is_waited_for(small: Stream, kafka: KafkaServer) -> None:
    small.settings["http"] = {"listen": "127.0.0.1:0"}
    daemon = small.start()
    insert(small, range(4))
    small.settle()
    assert metrics(daemon)["cdc_kafka_connected"] == 1

    kafka.kill()
    insert(small, range(4, 12))
    retry = daemon.until_logged("publish_retry")
    eventually(lambda: metrics(daemon)["cdc_kafka_connected"] == 0, waiting_for="the metric")
    kafka.start()

    small.settle()
    eventually(lambda: metrics(daemon)["cdc_kafka_connected"] == 1, waiting_for="the metric")
    assert retry["level"] == "warning"
    assert_told_in_order(told(small, "items"), range(12), replays=1)


def test_a_daemon_stops_while_it_waits_for_the_broker(small: Stream, kafka: KafkaServer) -> None:
    small.start()
    small.until_streaming()
    kafka.kill()
    insert(small, range(4))
    small.daemon.until_logged("publish_retry")

    ended = small.daemon.stop()

    kafka.start()
    assert ended == 0
    small.start()
    small.settle()
    assert_told_in_order(told(small, "items"), range(4), replays=1)


def test_a_former_daemon_publishes_nothing_more(small: Stream) -> None:
    former = small.start()
    insert(small, range(4))
    small.until_caught_up()
    former.send(signal.SIGSTOP)
    small.start()
    insert(small, range(4, 12))
    small.until_caught_up()

    former.send(signal.SIGCONT)
    former.until_logged("standby")
    insert(small, range(12, 16))

    small.settle()
    assert eventually(lambda: former.events("standby"))
    assert_told_in_order(told(small, "items"), range(16), replays=0)
