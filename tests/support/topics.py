"""Topics of a real Kafka: written, and read to their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

WAIT_SECONDS: Final = 60


def produce(uri: str, topic: str, values: Iterable[bytes]) -> None:
    """Write messages, and return once all brokers in sync have them."""
    failed: list[KafkaError] = []

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer({"bootstrap.servers": uri, "acks": "all", "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, on_delivery=note)
    assert producer.flush(WAIT_SECONDS) == 0, "not acknowledged"
    assert not failed


def read(uri: str, topic: str, *, committed: bool = True) -> list[Message]:
    """Return what `messages` yields."""
    return [*messages(uri, topic, committed=committed)]


def messages(uri: str, topic: str, *, committed: bool = True) -> Iterator[Message]:
    """Yield all messages of a topic, each partition's in its order.

    `committed` leaves out what no transaction has committed.
    """
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = Consumer(
        {
            "bootstrap.servers": uri,
            "group.id": "reader",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic].partitions
        for partition in partitions:
            consumer.assign([TopicPartition(topic, partition, 0)])
            yield from _to_the_end(consumer)
    finally:
        consumer.close()


def _to_the_end(consumer: Consumer) -> Iterator[Message]:
    while True:
        message = consumer.poll(WAIT_SECONDS)
        assert message is not None, "the topic gave nothing"
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:
            return
        else:
            raise KafkaException(error)
