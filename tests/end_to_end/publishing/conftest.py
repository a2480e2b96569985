from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import KafkaServer, MongoServer, MySQLServer
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.published import publish_to
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream


@pytest.fixture
def publishing(
    kafka: KafkaServer,
    mysql: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Stream:
    """A stream from MySQL that publishes, with a table `items`."""
    stream = make_stream(mysql, mongo, client, MysqlGtids)
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    publish_to(stream, kafka.uri)
    return stream
