"""Three brokers, of which some die; and appliers that come and go, while rounds are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import KafkaCluster, MongoServer, MySQLServer, kafka_brokers
from tests.end_to_end.support.appliers import Applied
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.sources import MakeStream
from tests.support.launching import entered


@pytest.fixture(scope="module")
def brokers() -> Iterator[KafkaCluster]:
    context, cluster = entered(kafka_brokers)
    try:
        yield cluster
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def applied(
    brokers: KafkaCluster,
    mysql: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Applied:
    return Applied(make_stream(mysql, mongo, client, MysqlGtids), brokers.uri)


def test_one_broker_of_three_may_die_and_of_two_the_stream_goes_on(
    applied: Applied, brokers: KafkaCluster
) -> None:
    applied.apply()
    reader = applied.read()
    applied.until_attended(reader)
    one, two, _ = brokers.brokers

    one.kill()
    applied.write()
    applied.stream.settle()
    two.kill()
    applied.write()
    applied.stream.settle()
    brokers.start()

    applied.write_until(
        lambda: any(each > 0 for each in applied.rounds()), waiting_for="rounds again"
    )
    applied.stream.settle()


def test_appliers_that_come_and_go_write_each_part_once(applied: Applied) -> None:
    reader = applied.read()
    applied.apply()
    applied.until_attended(reader)

    for _ in range(4):
        coming = applied.apply()
        coming.until_logged("lanes_given")
        applied.write()
        going = applied.appliers.pop(0)
        assert going.stop() == 0, going.stderr
        applied.write()

    applied.stream.settle()
    for each in applied.appliers:
        each.check_alive(waiting_for="the end of the test")
