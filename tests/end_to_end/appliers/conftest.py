from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import KafkaServer, MongoServer, MySQLServer
from tests.end_to_end.support.appliers import Applied
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.sources import MakeStream


@pytest.fixture
def applied(
    kafka: KafkaServer,
    mysql: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Applied:
    """A stream from MySQL whose rounds appliers write, with a table `items`; nothing runs yet."""
    return Applied(make_stream(mysql, mongo, client, MysqlGtids), kafka.uri)
