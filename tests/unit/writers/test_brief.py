"""What is told of a driver's error, made by the driver itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError

from cdc.writers.errors import brief
from cdc_sandbox.servers.ports import LOOPBACK, free_port


@pytest.fixture
def ports() -> list[int]:
    """Ports on which nobody listens."""
    return [free_port(), free_port()]


@pytest.fixture
def client(ports: list[int]) -> Iterator[MongoClient[dict[str, Any]]]:
    hosts = [f"{LOOPBACK}:{port}" for port in ports]
    with MongoClient[dict[str, Any]](hosts, serverSelectionTimeoutMS=100) as client:
        yield client


def test_of_hosts_that_refuse_each_is_told_without_the_driver_s_settings(
    client: MongoClient[dict[str, Any]], ports: list[int]
) -> None:
    with pytest.raises(ServerSelectionTimeoutError) as caught:
        client.admin.command("ping")

    refused = "[Errno 111] Connection refused"
    assert sorted(brief(caught.value).split(",")) == sorted(
        f"{LOOPBACK}:{port}: {refused}" for port in ports
    )
