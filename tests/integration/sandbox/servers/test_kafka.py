from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from cdc_sandbox.servers import KafkaServer, kafka_brokers, kafka_server
from cdc_sandbox.servers.versions import numbers
from tests.support.topics import produce, read

pytestmark = pytest.mark.slow  # starts servers of its own


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaServer]:
    with kafka_server() as server:
        yield server


def test_what_is_produced_is_consumed_in_its_order(kafka: KafkaServer) -> None:
    produce(kafka.uri, "in_order", [b"a", b"b", b"c"])

    assert [message.value() for message in read(kafka.uri, "in_order")] == [b"a", b"b", b"c"]


def test_what_was_acknowledged_is_there_after_a_kill(kafka: KafkaServer) -> None:
    produce(kafka.uri, "kept", [b"a", b"b"])

    kafka.kill()
    kafka.start()

    produce(kafka.uri, "kept", [b"c"])
    assert [message.value() for message in read(kafka.uri, "kept")] == [b"a", b"b", b"c"]


def test_a_reader_of_what_is_committed_sees_no_transaction_that_was_given_up(
    kafka: KafkaServer,
) -> None:
    producer = Producer({"bootstrap.servers": kafka.uri, "transactional.id": "writer"})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("transactions", b"given up")
    producer.flush()
    producer.abort_transaction()
    producer.begin_transaction()
    producer.produce("transactions", b"committed")
    producer.commit_transaction()

    values = [message.value() for message in read(kafka.uri, "transactions")]

    assert values == [b"committed"]


@pytest.mark.parametrize("version", numbers("kafka").split(", "))
def test_every_version_runs(version: str) -> None:
    with kafka_server(version=version, engine="packages") as server:
        assert server.version == version
        produce(server.uri, "topic", [b"a"])
        assert len(read(server.uri, "topic")) == 1


def test_one_of_three_brokers_may_be_missing() -> None:
    with kafka_brokers(3) as cluster:
        produce(cluster.uri, "copied", [b"a"])
        leader = _leader(cluster.uri, "copied")
        lost = next(broker for broker in cluster.brokers if broker.node == leader)

        lost.kill()
        produce(cluster.uri, "copied", [b"b"])
        values = [message.value() for message in read(cluster.uri, "copied")]
        lost.start()

        assert values == [b"a", b"b"]
        assert all(broker.running for broker in cluster.brokers)


def _leader(uri: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": uri, "group.id": "nobody"})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.close()
    return int(partitions[TopicPartition(topic, 0).partition].leader)
