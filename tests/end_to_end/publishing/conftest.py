from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import KafkaServer, MongoServer, MySQLServer
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.published import publish_to
from tests.end_to_end.support.sources import KINDS, MakeStream
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


@pytest.fixture(params=["mysql-gtid", "mariadb-gtid"])
def copying(
    request: pytest.FixtureRequest,
    kafka: KafkaServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Stream:
    """A stream that publishes and begins with a copy, five rows a chunk, with a table `items`."""
    fixture, history = KINDS[request.param]
    stream = make_stream(request.getfixturevalue(fixture), mongo, client, history)
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 5}
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    publish_to(stream, kafka.uri)
    return stream
