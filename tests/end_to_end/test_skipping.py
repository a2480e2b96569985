"""`cdc position skip`: one transaction that stops the stream is stepped over, and made good."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.halting import goes_on, halted
from tests.end_to_end.support.nursery import FAULTY, nursery
from tests.end_to_end.support.stream import Document, Stream
from tests.support.faults import FAULT
from tests.support.features import COMPRESSION, TAGGED_GTIDS, require
from tests.support.prepared import prepared

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
GTIDS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


@pytest.fixture
def items(stream: Stream) -> Stream:
    """Two followed tables and one that is not."""
    stream.settings["chunks"] = {"allow_brief_lock": True}
    stream.table("items", COLUMNS)
    stream.table("others", COLUMNS)
    stream.sql(f"CREATE TABLE strangers ({COLUMNS})", "INSERT INTO items VALUES (1, 'before')")
    return stream


@contextmanager
def minimal_metadata(stream: Stream) -> Iterator[None]:
    """Have the source write table maps without the columns' names."""
    stream.source.execute("SET GLOBAL binlog_row_metadata = MINIMAL")
    try:
        yield
    finally:
        stream.source.execute("SET GLOBAL binlog_row_metadata = FULL")


def skip(stream: Stream, *options: str) -> Command:
    return Command(stream, "position", "skip", "--output", "json", *options)


def skipped(stream: Stream, *options: str) -> Document:
    """Step over the next transaction; return what was shown of it."""
    command = skip(stream, "--yes", *options)
    assert command.returncode == 0, command.stderr
    shown: Document = json.loads(command.stdout)
    return shown


def queued(stream: Stream) -> set[str]:
    asked = stream.state["jobs"].find({"state": "queued", "kind": "resync"})
    return {each["table"].rpartition(".")[2] for each in asked}


def test_a_transaction_without_metadata_is_stepped_over_and_its_table_resynced(
    items: Stream,
) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    with minimal_metadata(items):
        items.transaction(
            "UPDATE items SET word = 'hidden'",
            "INSERT INTO items VALUES (2, 'two'), (3, 'three')",
            "INSERT INTO strangers VALUES (1, 'elsewhere')",
        )
    said = halted(items.daemon)
    assert f"cdc position skip --config {items.config}" in said["remedy"]

    shown = skipped(items)

    assert shown["tables"] == [
        {"table": f"{items.schema}.items", "rows_events": 2, "followed": True},
        {"table": f"{items.schema}.strangers", "rows_events": 1, "followed": False},
    ]
    assert shown["unclear"] == []
    assert queued(items) == {"items"}
    goes_on(items)


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
@GTIDS
def test_a_transaction_of_partial_images_is_stepped_over(items: Stream, image: str) -> None:
    items.sql("ALTER TABLE items ADD COLUMN body TEXT", "UPDATE items SET body = 'full'")
    items.start(ledger=False)
    items.until_caught_up()
    items.sql(f"SET SESSION binlog_row_image = {image}", "UPDATE items SET word = 'partial'")
    said = halted(items.daemon)
    assert "cdc position skip" in said["remedy"]

    shown = skipped(items)

    assert [each["rows_events"] for each in shown["tables"]] == [1]
    assert queued(items) == {"items"}
    goes_on(items)


def test_of_a_statement_it_is_not_known_what_it_changed_so_all_is_resynced(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.sql(
        "SET SESSION binlog_format = STATEMENT",
        "INSERT INTO items VALUES (2, 'secret value')",
    )
    halted(items.daemon)

    command = skip(items, "--yes")

    assert command.returncode == 0, command.stderr
    shown = json.loads(command.stdout)
    table = f"{items.schema}.items"
    assert shown["statements"] == [{"statement": "INSERT", "tables": [table]}]
    assert shown["unclear"] == ["INSERT was logged as a statement"]
    assert "secret" not in command.stdout + command.stderr
    assert queued(items) == {"items", "others"}
    goes_on(items)


def test_an_xa_transaction_must_be_decided_first(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    change = "UPDATE items SET word = 'prepared'"
    with prepared(items.source, items.schema, "'a','b',7", change) as commit:
        halted(items.daemon)

        undecided = skip(items, "--yes")
        assert undecided.returncode == 2
        assert "XA COMMIT X'61',X'62',7" in undecided.stderr
        commit()
        shown = skipped(items)

    assert [each["table"] for each in shown["tables"]] == [f"{items.schema}.items"]
    goes_on(items)
    assert items.documents("items")[1] == {"word": "prepared"}


def test_a_transaction_is_stepped_over_behind_a_part_of_it(items: Stream) -> None:
    items.settings["apply"] = {"transaction_bytes": 1 << 20}
    items.start(ledger=False)
    items.until_caught_up()
    values = ", ".join(f"({number}, REPEAT('x', 20))" for number in range(100, 30_100))
    items.transaction(
        f"INSERT INTO items VALUES {values}",
        "SET SESSION binlog_row_image = MINIMAL",
        "UPDATE items SET word = 'partial' WHERE id < 100",
    )
    halted(items.daemon)
    state = items.state_document()
    assert state is not None
    assert state["inflight"]

    shown = skipped(items)

    assert shown["applied_rows_events"] == state["inflight"]["rows_events"]
    assert shown["tables"][0]["rows_events"] > shown["applied_rows_events"]
    goes_on(items)


@MYSQL
def test_a_compressed_transaction_is_stepped_over(items: Stream) -> None:
    require(items.source, COMPRESSION)
    items.start(ledger=False)
    items.until_caught_up()
    items.sql(
        "SET SESSION binlog_transaction_compression = ON",
        "SET SESSION binlog_row_image = MINIMAL",
        "UPDATE items SET word = 'partial'",
    )
    halted(items.daemon)

    shown = skipped(items)

    assert shown["tables"] == [
        {"table": f"{items.schema}.items", "rows_events": 1, "followed": True}
    ]
    goes_on(items)


@MYSQL
def test_a_tagged_transaction_is_stepped_over(items: Stream) -> None:
    require(items.source, TAGGED_GTIDS)
    items.start(ledger=False)
    items.until_caught_up()
    items.sql(
        "SET gtid_next = 'AUTOMATIC:tagged'",
        "SET SESSION binlog_row_image = MINIMAL",
        "UPDATE items SET word = 'partial'",
    )
    halted(items.daemon)

    shown = skipped(items)

    assert ":tagged:" in shown["transaction"]
    goes_on(items)


@GTIDS
def test_only_the_one_transaction_is_stepped_over(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.sql(
        "SET SESSION binlog_row_image = MINIMAL",
        "UPDATE items SET word = 'one'",
        "UPDATE items SET word = 'two'",
    )
    halted(items.daemon)

    first = skipped(items)
    halted(items.start(ledger=False))
    second = skipped(items)

    assert first["to"] == second["from"]
    assert first["transaction"] != second["transaction"]
    goes_on(items)


@GTIDS
def test_without_yes_it_is_shown_and_nothing_is_done(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.stop()
    items.sql("UPDATE items SET word = 'next'")
    before = items.state_document()

    shown = Command(items, "position", "skip")

    assert shown.returncode == 2
    assert f"{items.schema}.items: its rows change in 1 event, followed" in shown.stdout
    [committed] = [line for line in shown.stdout.splitlines() if line.startswith("committed at")]
    assert re.fullmatch(r"committed at  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", committed)
    position = Command(items, "position", "show")
    assert position.returncode == 0, position.stderr
    assert re.search(
        r"^committed_at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", position.stdout, re.MULTILINE
    )
    assert "repeat it with --yes" in shown.stderr
    assert items.state_document() == before
    assert queued(items) == set()


@GTIDS
def test_where_nothing_follows_there_is_nothing_to_step_over(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.stop()

    command = skip(items, "--yes")

    assert command.returncode == 2
    assert "nothing to step over" in command.stderr


@GTIDS
def test_beside_a_daemon_it_is_refused_and_does_not_disturb_it(items: Stream) -> None:
    items.start(ledger=False)
    items.until_caught_up()

    refused = skip(items, "--yes")
    nothing = skip(items, "--yes", "--force")

    assert refused.returncode == 1
    assert "is active" in refused.stderr
    assert nothing.returncode == 2
    items.sql("INSERT INTO items VALUES (2, 'after')")
    items.until_caught_up()
    assert items.daemon.events("source_lost") == []
    items.assert_same_content()


@GTIDS
def test_a_table_that_is_gone_is_told_not_to_be_repaired(items: Stream) -> None:
    items.follow("others", {"on_drop": "halt"})
    items.sql("INSERT INTO others VALUES (1, 'stays')")
    items.start(ledger=False)
    items.until_caught_up()
    items.sql("DROP TABLE others")
    halted(items.daemon)

    shown = skipped(items)

    assert shown["jobs"] == []
    [left] = shown["not_repaired"]
    assert f"{items.schema}.others does not exist, or may not be read" in left
    items.start(ledger=False)
    items.sql("INSERT INTO items (id, word) VALUES (99, 'after')")
    items.until_caught_up()
    assert items.documents("others").keys() == {1}


@MYSQL
def test_ids_that_are_expressions_are_copied_and_what_that_leaves_is_told(items: Stream) -> None:
    items.follow("items", {"id": {"sql": "CONCAT('i', id)", "unique": "asserted"}})
    items.start(ledger=False)
    items.until_caught_up()
    items.sql("SET SESSION binlog_row_image = MINIMAL", "UPDATE items SET word = 'partial'")
    halted(items.daemon)

    shown = skipped(items)

    assert [each["kind"] for each in shown["jobs"]] == ["backfill"]
    [left] = shown["not_repaired"]
    assert left.startswith("items: its ids are expressions")
    items.start(ledger=False)
    items.daemon.until_logged("job_done")
    assert items.documents("items")["i1"]["word"] == "partial"


POINTS = {
    "before_transaction": False,
    "after_first_write": False,
    "before_commit": False,
    "after_commit": True,
}


@pytest.mark.parametrize("point", POINTS)
@MYSQL
def test_killed_amid_it_has_moved_and_asked_or_neither(items: Stream, point: str) -> None:
    items.start(ledger=False)
    items.until_caught_up()
    items.sql("SET SESSION binlog_row_image = MINIMAL", "UPDATE items SET word = 'partial'")
    halted(items.daemon)
    before = items.state_document()
    assert before is not None

    _killed(items, point)

    after = items.state_document()
    assert after is not None
    moved = after["position"] != before["position"]
    assert (moved, queued(items)) == ((True, {"items"}) if POINTS[point] else (False, set()))
    if not moved:
        skipped(items)
    goes_on(items)


def _killed(stream: Stream, point: str) -> None:
    log = stream.config.with_name(f"killed-{point}.log")
    child: Any = nursery().start(
        ["position", "skip", "--config", str(stream.config)],
        log=log,
        environment={FAULT: point},
        program=FAULTY,
    )
    assert child.wait(60) == -9, log.read_text()
