"""A daemon that stops for a human, and its message."""

from __future__ import annotations

from collections.abc import Callable

from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import BinlogFiles, History, MariadbGtids, MysqlGtids
from tests.end_to_end.support.stream import Document, Stream

HALTED = 4

HISTORIES: dict[str, Callable[[MySQLServer], History]] = {
    "gtid": MysqlGtids,
    "mariadb_gtid": MariadbGtids,
    "file": BinlogFiles,
}
"""By the key of a saved position."""


def halted(daemon: Daemon) -> Document:
    """Wait for the daemon to halt; return its message."""
    assert daemon.wait() == HALTED, daemon.stderr
    [said] = [event for event in daemon.events("stopped") if event.get("exit_code") == HALTED]
    assert said["message"]
    assert said["remedy"]
    return said


def history_of(position: Document) -> Callable[[MySQLServer], History]:
    """Return what records a source's transactions, for a stream with such positions.

    One that was set may be of another kind than those before.
    """
    [history] = [made for key, made in HISTORIES.items() if key in position]
    return history


def goes_on(stream: Stream) -> None:
    """Require that the stream goes on, ends its jobs, and both sides are equal."""
    state = stream.state_document()
    assert state is not None
    stream.history = history_of(state["position"])(stream.source)
    stream.start(ledger=False)
    stream.sql("INSERT INTO items (id, word) VALUES (99, 'after')")
    stream.until_caught_up()
    verified = Command(stream, "verify")
    assert verified.returncode == 0, verified.stderr + verified.stdout
    tables = [f"{stream.schema}.{each}" for each in stream.tables]
    assert {each["state"] for each in stream.state["jobs"].find({"table": {"$in": tables}})} == {
        "done"
    }
    stream.assert_same_content()
