from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from cdc_sandbox.demo import schema as demo_schema
from cdc_sandbox.demo.connections import Connection
from cdc_sandbox.servers import MySQLServer


@pytest.fixture
def connection(source: MySQLServer) -> Iterator[Connection]:
    """A connection to a source with the demo's tables, empty."""
    source.execute(f"DROP DATABASE IF EXISTS {demo_schema.SCHEMA}")
    with closing(source.connect(autocommit=False)) as opened:
        demo_schema.create(opened)
        yield opened
    source.execute(f"DROP DATABASE {demo_schema.SCHEMA}")
