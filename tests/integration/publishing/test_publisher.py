from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator

import pytest

from cdc.config.kafka import DEFAULT_MESSAGE_BYTES, KafkaConfig
from cdc.errors import Fenced, PublishRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.message import Message
from cdc.model.position import FilePosition
from cdc.publishing.publisher import KafkaPublisher, PublishCounters
from cdc.retry import Liveness, Stopped
from cdc_sandbox.servers import KafkaServer, kafka_brokers
from tests.support.topics import read
from tests.support.waiting import eventually

CHECKPOINT = Checkpoint(FilePosition("binlog.000001", 4))


def batch(topic: str, *values: bytes) -> Batch:
    messages = tuple(Message(topic, b"key", value) for value in values)
    return Batch((MappedTransaction("a", CHECKPOINT, 0.0, messages=messages),))


class Lease:
    """Who has the stream; `confirm` as a daemon's writer does."""

    def __init__(self) -> None:
        self.epoch = 0

    def taken(self) -> Callable[[], None]:
        """Take it over; return what proves that it is still so."""
        self.epoch += 1
        ours = self.epoch

        def confirm() -> None:
            if self.epoch != ours:
                raise Fenced

        return confirm


class Publishers:
    """Publishers of one stream, all of which are closed in the end."""

    def __init__(self, uri: str) -> None:
        self.name = f"stream_{uuid.uuid4().hex[:8]}"
        self.counters = PublishCounters()
        self._uri = uri
        self._made: list[KafkaPublisher] = []

    def made(
        self,
        confirm: Callable[[], object] = lambda: None,
        renew: Callable[[], None] = lambda: None,
        max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    ) -> KafkaPublisher:
        found = KafkaPublisher(
            KafkaConfig(bootstrap_servers=self._uri, max_message_bytes=max_message_bytes),
            self.name,
            renew=renew,
            confirm=confirm,
            liveness=Liveness(),
            counters=self.counters,
            wait_seconds=1.0,
        )
        self._made.append(found)
        return found

    def close(self) -> None:
        for each in self._made:
            each.close()


@pytest.fixture
def publishers(kafka: KafkaServer) -> Iterator[Publishers]:
    publishers = Publishers(kafka.uri)
    yield publishers
    publishers.close()


def test_a_batch_is_there_when_it_returns(publishers: Publishers, kafka: KafkaServer) -> None:
    publisher = publishers.made()
    publisher.open()

    publisher.publish(batch(publishers.name, b"a", b"b"))
    publisher.publish(batch(publishers.name, b"c"))

    assert [each.value() for each in read(kafka.uri, publishers.name)] == [b"a", b"b", b"c"]
    stats = publishers.counters.stats()
    assert (stats.connected, stats.messages, stats.batches) == (True, 3, 2)
    assert stats.bytes == 3 * len(b"key") + 3


def test_a_publisher_whose_stream_was_taken_over_is_fenced(
    publishers: Publishers, kafka: KafkaServer
) -> None:
    lease = Lease()
    former = publishers.made(lease.taken())
    former.open()
    former.publish(batch(publishers.name, b"a"))
    present = publishers.made(lease.taken())
    present.open()

    with pytest.raises(Fenced):
        former.publish(batch(publishers.name, b"from the past"))
    present.publish(batch(publishers.name, b"b"))

    assert [each.value() for each in read(kafka.uri, publishers.name)] == [b"a", b"b"]


def test_who_lost_the_stream_while_it_fenced_others_publishes_nothing(
    publishers: Publishers, kafka: KafkaServer
) -> None:
    """It slept between its look at the lease and `init_transactions`, and fenced its successor."""
    lease = Lease()
    confirm = lease.taken()
    present: list[KafkaPublisher] = []

    def slept() -> None:
        confirm()
        if not present:
            present.append(publishers.made(lease.taken()))
            present[0].open()
            present[0].publish(batch(publishers.name, b"a", b"b"))

    former = publishers.made(slept)
    with pytest.raises(Fenced):
        former.open()
    with pytest.raises(Fenced):
        former.publish(batch(publishers.name, b"from the past"))
    present[0].publish(batch(publishers.name, b"c"))

    assert [each.value() for each in read(kafka.uri, publishers.name)] == [b"a", b"b", b"c"]


def test_a_message_that_is_too_large_is_refused_by_name(
    publishers: Publishers, kafka: KafkaServer
) -> None:
    publisher = publishers.made(max_message_bytes=2_000)
    publisher.open()

    with pytest.raises(PublishRefused, match="MSG_SIZE_TOO_LARGE") as caught:
        publisher.publish(batch(publishers.name, b"small", bytes(3_000)))

    assert "max_message_bytes" in str(caught.value)
    publisher.publish(batch(publishers.name, b"next"))
    assert [each.value() for each in read(kafka.uri, publishers.name)] == [b"next"]


def test_while_the_broker_is_away_the_lease_is_renewed_and_a_stop_ends_the_wait(
    publishers: Publishers, kafka: KafkaServer
) -> None:
    renewed: list[None] = []
    publisher = publishers.made(renew=lambda: renewed.append(None))
    publisher.open()
    kafka.kill()
    ended: list[BaseException] = []

    def publish() -> None:
        try:
            publisher.publish(batch(publishers.name, b"a"))
        except Stopped as error:
            ended.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    eventually(lambda: len(renewed) > 4, waiting_for="renewals")
    assert publishers.counters.stats().outage is not None
    publisher.stop()
    thread.join(30)

    kafka.start()
    assert ended


@pytest.mark.slow
def test_one_of_three_brokers_may_die() -> None:
    with kafka_brokers(3) as cluster:
        publishers = Publishers(cluster.uri)
        publisher = publishers.made()
        publisher.open()
        sent = [b"%d" % number for number in range(12)]
        for at, value in enumerate(sent):
            if at % 4 == 1:
                victim = cluster.brokers[at // 4]
                victim.kill()
            publisher.publish(batch(publishers.name, value))
            if at % 4 == 3:
                victim.start()

        found = [message.value() for message in read(cluster.uri, publishers.name)]
        publishers.close()

    assert list(dict.fromkeys(found)) == sent


def test_what_was_sent_and_not_committed_is_not_seen(
    publishers: Publishers, kafka: KafkaServer
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    dying = publishers.made()
    dying._before_commit = die
    dying.open()
    with pytest.raises(KeyboardInterrupt):
        dying.publish(batch(publishers.name, b"lost"))
    next_one = publishers.made()
    next_one.open()

    next_one.publish(batch(publishers.name, b"a"))

    assert [each.value() for each in read(kafka.uri, publishers.name)] == [b"a"]
