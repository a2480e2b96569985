"""SIGTERM and SIGINT end the daemon promptly, wherever it is, with exit code 0."""

from __future__ import annotations

import signal
import time

import pytest

from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream

PROMPTLY_SECONDS = 25
"""Most of it for a busy machine; what holds up an end does so for a minute or for ever."""

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.settings["source"]["heartbeat_seconds"] = 60
    stream.table("items", "id INT NOT NULL PRIMARY KEY, number INT NOT NULL")
    return stream


def assert_ends_promptly(stream: Stream, number: signal.Signals = signal.SIGTERM) -> None:
    began = time.monotonic()
    stream.daemon.send(number)
    assert stream.daemon.wait() == 0, stream.daemon.stderr
    assert time.monotonic() - began < PROMPTLY_SECONDS
    assert stream.daemon.events("stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_a_signal_ends_an_idle_daemon(items: Stream, number: signal.Signals) -> None:
    items.start()
    items.until_streaming()

    assert_ends_promptly(items, number)


def test_a_signal_ends_a_daemon_that_is_connecting(items: Stream) -> None:
    items.start()
    items.daemon.until_logged("streaming")

    assert_ends_promptly(items)


def test_a_signal_ends_a_daemon_whose_source_does_not_answer(items: Stream) -> None:
    with Proxy(items.source.port) as proxy:
        items.proxied_source(proxy.port)
        items.start()
        items.until_streaming()
        proxy.black_hole()

        assert_ends_promptly(items)


def test_a_signal_ends_a_daemon_at_work_between_two_batches(items: Stream) -> None:
    items.settings["apply"] = {"batch_rows": 1}
    items.sql(*(f"INSERT INTO items VALUES ({n}, {n})" for n in range(300)))
    items.start()
    items.daemon.until_logged("batch_applied", 5)

    assert_ends_promptly(items)

    applied = len(items.documents("items"))
    assert 5 <= applied < 300
    assert len(items.ledger()) >= applied
    items.start()
    items.settle()
