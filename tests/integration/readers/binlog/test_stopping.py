"""A reader that is stopped at any moment of its connecting ends, though its source is idle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from cdc.readers.binlog import dump
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import config

ENDS_WITHIN_SECONDS = 30


def test_a_reader_that_is_stopped_while_it_connects_ends(
    source: MySQLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(source)
    start = resolve_start(settings, "now")
    reader = BinlogReader(settings, follows=lambda *_: False, transaction_bytes=1 << 24)
    request: Callable[..., Any] = dump.request

    def stopped_meanwhile(*arguments: Any, **options: Any) -> None:
        request(*arguments, **options)
        reader.stop()

    monkeypatch.setattr(dump, "request", stopped_meanwhile)
    reading = threading.Thread(target=lambda: [*reader.transactions(start)], daemon=True)

    reading.start()
    reading.join(ENDS_WITHIN_SECONDS)

    assert not reading.is_alive()
