"""The topic that carries parts of rounds, on a real Kafka."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from cdc.config.kafka import KafkaConfig
from cdc.errors import CdcError, Retryable
from cdc.publishing.parts import (
    RETENTION_MS,
    PartConsumer,
    PartProducer,
    ready_topic,
    topic_of,
)
from cdc_sandbox.servers import KafkaServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts a broker of its own


@pytest.fixture
def config(kafka: KafkaServer) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=kafka.uri)


@pytest.fixture
def admin(kafka: KafkaServer) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.uri})


def partitions(admin: AdminClient, stream: str) -> int:
    found = admin.list_topics(timeout=10).topics.get(topic_of(stream))
    return len(found.partitions) if found else 0


def is_sent(producer: PartProducer) -> bool:
    """Whether nothing is known against a part for each lane."""
    try:
        for partition in range(3):
            producer.send(partition, "lane", 1, b"part")
    except CdcError:
        return False
    return producer.error() is None


def test_a_topic_is_made_with_a_partition_for_each_lane(
    config: KafkaConfig, admin: AdminClient
) -> None:
    ready_topic(config, "made", 3)

    assert partitions(admin, "made") == 3
    asked = ConfigResource(ResourceType.TOPIC, topic_of("made"))
    found = admin.describe_configs([asked])[asked].result()
    assert found["retention.ms"].value == str(RETENTION_MS)


def test_a_topic_gets_the_partitions_that_it_lacks(config: KafkaConfig, admin: AdminClient) -> None:
    for count in (2, 5, 3):
        ready_topic(config, "grown", count)

    assert partitions(admin, "grown") == 5


def test_several_processes_make_a_topic_at_once(config: KafkaConfig, admin: AdminClient) -> None:
    def is_made(count: int) -> bool:
        try:
            ready_topic(config, "raced", count)
        except Retryable:  # a broker may show it later than it says that it is there
            return False
        return True

    def process(count: int) -> None:
        eventually(lambda: is_made(count), waiting_for="the topic")

    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(process, count) for count in (4, 2, 4, 3)]

    for each in made:
        each.result()
    assert partitions(admin, "raced") == 4


def test_a_topic_that_is_deleted_is_made_again(config: KafkaConfig, admin: AdminClient) -> None:
    producer = PartProducer(config, "deleted", 3)
    eventually(producer.is_ready, waiting_for="the topic")

    admin.delete_topics([topic_of("deleted")])[topic_of("deleted")].result()
    eventually(lambda: not is_sent(producer), waiting_for="an error")
    eventually(lambda: partitions(admin, "deleted") == 3, waiting_for="three partitions")

    eventually(producer.is_ready, waiting_for="the topic")
    assert producer.error() is None
    producer.close()


def test_a_topic_that_keeps_by_key_is_told_as_such(config: KafkaConfig, admin: AdminClient) -> None:
    topic = topic_of("compacted")
    new = NewTopic(topic, 1, config={"cleanup.policy": "compact"})
    admin.create_topics([new])[topic].result()
    producer = PartProducer(config, "compacted", 1)
    eventually(producer.is_ready, waiting_for="the topic")

    producer.send(0, "lane", 1, b"part")
    error = eventually(producer.error, waiting_for="an error")

    assert error is not None
    assert "cleanup.policy=delete" in (error.remedy or "")
    producer.close()


def test_the_largest_messages_that_can_be_configured_are_taken(kafka: KafkaServer) -> None:
    config = KafkaConfig(bootstrap_servers=kafka.uri, max_message_bytes=1_000_000_000)
    ready_topic(config, "large", 1)
    producer = PartProducer(config, "large", 1)
    eventually(producer.is_ready, waiting_for="the topic")
    producer.send(0, "lane", 1, b"part")
    consumer = PartConsumer(config, "large", given=lambda _: None, taken=lambda _: None)

    found = eventually(lambda: consumer.receive(0.1), waiting_for="the part")

    assert found is not None
    assert found.data == b"part"
    consumer.close()
    producer.close()
