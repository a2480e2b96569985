from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, mongo_server


@pytest.fixture
def client(mongo: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the shared replica set."""
    with mongo.client() as client:
        yield client


@pytest.fixture(scope="session")
def failing_client() -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of a server that fails when it is told to: see `support.failing`."""
    options = ["--setParameter", "enableTestCommands=1"]
    with mongo_server(options=options) as server, server.client() as client:
        yield client
