"""What a nemesis does to the topic that carries parts to appliers."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from cdc.publishing.client import SILENT
from cdc.publishing.parts import topic_of
from cdc.publishing.slices import HEADER

READ_SECONDS: Final = 5.0
READ_MESSAGES: Final = 300


class Topic:
    """The topic of one stream's parts, for one campaign; it does what it can, and fails silently.

    A broker may be away meanwhile.
    """

    def __init__(self, servers: str, stream: str) -> None:
        self._settings: dict[str, Any] = {"bootstrap.servers": servers, "logger": SILENT}
        self._name = topic_of(stream)

    def repeat(self, chance: random.Random) -> None:
        """Send some of what is in the topic again, in any order, and bytes that are no parts."""
        found = self._messages()
        producer = Producer(self._settings | {"message.timeout.ms": 5_000})
        with suppress(KafkaException, BufferError):
            for each in chance.sample(found, min(len(found), 60)):
                self._produce(producer, each.partition() or 0, each.value(), each.headers())
            for each in found[:3]:
                value = each.value()
                assert isinstance(value, bytes)
                self._produce(producer, each.partition() or 0, value[:-1] + b"x", each.headers())
            self._produce(producer, 0, chance.randbytes(100), [(HEADER, chance.randbytes(20))])
            self._produce(producer, 0, b"", None)
        producer.flush(5)

    def _produce(self, producer: Producer, partition: int, value: Any, headers: Any) -> None:
        producer.produce(self._name, value, partition=partition, headers=headers)

    def _messages(self) -> list[Message]:
        """Return what the topic holds, or the beginning of it."""
        own = {"group.id": "nemesis", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        consumer = Consumer(self._settings | own)
        found: list[Message] = []
        try:
            partitions = consumer.list_topics(self._name, timeout=5).topics[self._name].partitions
            consumer.assign([TopicPartition(self._name, each, 0) for each in partitions])
            until = time.monotonic() + READ_SECONDS
            while len(found) < READ_MESSAGES and time.monotonic() < until:
                got = consumer.consume(100, timeout=1)
                found += [each for each in got if each.error() is None]
                if not got:
                    break
        except KafkaException:
            pass
        finally:
            consumer.close()
        return found

    def delete(self) -> None:
        """Delete the topic."""
        with suppress(KafkaException):
            AdminClient(self._settings).delete_topics([self._name])[self._name].result(5)

    def truncate(self) -> None:
        """Delete all that is in the topic."""
        admin = AdminClient(self._settings)
        with suppress(KafkaException):
            partitions = admin.list_topics(self._name, timeout=5).topics[self._name].partitions
            ends = [TopicPartition(self._name, each, -1) for each in partitions]
            for done in admin.delete_records(ends).values():
                done.result(5)
