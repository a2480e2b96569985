"""XA transactions that were prepared before a stream begins, and are committed behind it."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.typed import commands
from tests.support.prepared import prepared

ONE_POSITION = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
CHANGE = "UPDATE items SET word = 'prepared' WHERE id = 1"


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.settings["chunks"] = {"allow_brief_lock": True}
    stream.table("items", COLUMNS)
    stream.sql("INSERT INTO items VALUES (1, 'before'), (2, 'before')")
    return stream


@pytest.mark.parametrize("stream", ["mysql-gtid", "mysql-file", "mariadb-gtid"], indirect=True)
def test_a_backfill_begins_once_they_are_decided(items: Stream) -> None:
    items.settings["start"] = "backfill"

    with prepared(items.source, items.schema, f"'{items.schema}'", CHANGE) as commit:
        daemon = items.start(ledger=False)
        said = daemon.until_logged("start_retry")
        assert items.documents("items") == {}
        commit()
        daemon.until_logged("job_done")
    items.until_caught_up()

    assert "XA COMMIT" in said["error"]
    assert items.documents("items") == {1: {"word": "prepared"}, 2: {"word": "before"}}


@pytest.mark.parametrize("stream", ["mysql-gtid", "mysql-file", "mariadb-gtid"], indirect=True)
def test_a_stream_from_now_on_begins_behind_them(items: Stream) -> None:
    items.settings["start"] = "now"

    with prepared(items.source, items.schema, f"'{items.schema}'", CHANGE) as commit:
        daemon = items.start(ledger=False)
        daemon.until_logged("start_retry")
        commit()
        daemon.until_logged("streaming")
    items.sql("UPDATE items SET word = 'after' WHERE id = 2")
    items.until_caught_up()

    assert items.documents("items") == {2: {"word": "after"}}


@ONE_POSITION
def test_a_table_that_is_followed_from_now_on_is_copied_once_they_are_decided(
    items: Stream,
) -> None:
    items.sql(f"CREATE TABLE others ({COLUMNS})", "INSERT INTO others VALUES (1, 'before')")
    items.start(ledger=False)
    change = "UPDATE others SET word = 'prepared'"
    with prepared(items.source, items.schema, f"'{items.schema}'", change) as commit:
        items.until_caught_up()
        items.stop()
        items.follow("others")
        daemon = items.start(ledger=False)
        daemon.until_logged("start_retry")
        commit()
        daemon.until_logged("job_done")
    items.until_caught_up()

    items.assert_same_content()


@ONE_POSITION
@pytest.mark.parametrize("resync", [(), ("--resync",)])
def test_no_position_is_set_before_they_are_decided(items: Stream, resync: tuple[str, ...]) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.stop()
    moving = ("position", "set", "--start", "now", "--yes", *resync)
    before = items.state_document()

    with prepared(items.source, items.schema, f"'{items.schema}'", CHANGE):
        refused = Command(items, *moving)
        assert refused.returncode == 1, refused.stderr
        assert items.state_document() == before
        commit, *_ = commands(refused.stderr.partition("remedy: ")[2])
        items.source.execute(commit)
        moved = Command(items, *moving)
        assert moved.returncode == 0, moved.stderr

    items.start(ledger=False)
    items.until_caught_up()
    if resync:
        items.daemon.until_logged("job_done")
        items.assert_same_content()


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_an_account_that_may_not_ask_is_told_once(items: Stream) -> None:
    user = f"'{items.schema}'@'%'"
    rights = "SELECT, REPLICATION SLAVE, REPLICATION CLIENT"
    items.source.execute(f"CREATE USER {user} IDENTIFIED BY 'some'")
    items.source.execute(f"GRANT {rights} ON *.* TO {user}")
    try:
        items.settings["source"] |= {"user": items.schema, "password": "some"}
        items.settings["start"] = "backfill"
        daemon = items.start(ledger=False)
        daemon.until_logged("job_done")
        moved = cdc(items, "position", "set", "--start", "now", "--yes", "--force")
        items.stop()
    finally:
        items.source.execute(f"DROP USER {user}")

    assert len(daemon.events("xa_not_checked")) == 1
    assert moved.returncode == 0, moved.stderr
    assert moved.stderr.count("not checked XA RECOVER: ") == 1
    assert "xa_not_checked" not in moved.stderr
