"""Whatever a stop tells to type is typed here, word for word: then the stream goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.halting import goes_on, halted
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.binlogs import purge
from tests.support.dialect import reset_logs
from tests.support.prepared import prepared

BOTH = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
FILES = pytest.mark.parametrize("stream", ["mysql-file", "mariadb-file"], indirect=True)
MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
MARIADB = pytest.mark.parametrize("stream", ["mariadb-gtid"], indirect=True)
COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"


@pytest.fixture
def items(stream: Stream) -> Stream:
    """A stream that has applied a row."""
    stream.settings["chunks"] = {"allow_brief_lock": True}
    stream.table("items", COLUMNS)
    stream.sql("INSERT INTO items VALUES (1, 'one')")
    stream.start(ledger=False)
    stream.until_caught_up()
    return stream


def carry_out(
    stream: Stream, remedy: str, pick: Callable[[list[str]], list[str]] = lambda all_: all_
) -> None:
    """Type what a remedy says, in its order; `pick` chooses between alternatives."""
    told = pick(commands(remedy))
    assert told, remedy
    for each in told:
        if each.startswith("cdc "):
            done = typed(each)
            assert done.returncode == 0, f"{each}\n{done.stdout}\n{done.stderr}"
        else:
            stream.source.execute(each)


@contextmanager
def globally(stream: Stream, name: str, value: str, *, afterwards: str) -> Iterator[None]:
    stream.source.execute(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        stream.source.execute(f"SET GLOBAL {name} = {afterwards}")


@BOTH
def test_table_maps_without_names(items: Stream) -> None:
    with globally(items, "binlog_row_metadata", "MINIMAL", afterwards="FULL"):
        items.sql("UPDATE items SET word = 'hidden'")
        said = halted(items.daemon)

        carry_out(items, said["remedy"])

        goes_on(items)


@BOTH
def test_images_that_lack_columns(items: Stream) -> None:
    items.sql("SET SESSION binlog_row_image = MINIMAL", "UPDATE items SET word = 'partial'")
    said = halted(items.daemon)

    carry_out(items, said["remedy"])

    goes_on(items)


@BOTH
def test_a_change_logged_as_a_statement(items: Stream) -> None:
    items.sql("SET SESSION binlog_format = STATEMENT", "UPDATE items SET word = 'stated'")
    said = halted(items.daemon)

    carry_out(items, said["remedy"])

    goes_on(items)


@BOTH
def test_a_prepared_xa_transaction(items: Stream) -> None:
    change = "UPDATE items SET word = 'prepared'"
    with prepared(items.source, items.schema, f"'{items.schema}'", change):
        said = halted(items.daemon)
        [command] = commands(said["remedy"])
        undecided = typed(command)
        assert undecided.returncode == 2

        carry_out(items, undecided.stderr.partition("remedy: ")[2], lambda all_: all_[:1])
        carry_out(items, said["remedy"])

        goes_on(items)
    assert items.documents("items")[1] == {"word": "prepared"}


@BOTH
def test_a_policy_that_halts(items: Stream) -> None:
    items.stop()
    items.follow("items", {"on_truncate": "halt", "on_alter": "halt"})
    items.start(ledger=False)
    items.sql("TRUNCATE items", "INSERT INTO items VALUES (2, 'two')")
    said = halted(items.daemon)
    carry_out(items, said["remedy"])
    items.start(ledger=False)
    items.sql("ALTER TABLE items MODIFY word VARCHAR(30) CHARACTER SET latin1")
    said = halted(items.daemon)

    carry_out(items, said["remedy"])

    goes_on(items)


@BOTH
def test_a_table_that_cannot_be_followed_any_more(items: Stream) -> None:
    items.sql("ALTER TABLE items ENGINE=MyISAM")
    said = halted(items.daemon)
    assert "undo the statement" in said["remedy"]
    items.sql("ALTER TABLE items ENGINE=InnoDB")

    carry_out(items, said["remedy"])

    goes_on(items)


@MYSQL
def test_a_row_that_halts(items: Stream) -> None:
    items.stop()
    items.sql("CREATE TABLE texts (id INT PRIMARY KEY, data LONGTEXT)")
    fields = {"data": {"column": "data", "type": "json"}}
    items.follow("texts", {"fields": fields, "on_error": "halt"})
    items.start(ledger=False)
    items.sql("INSERT INTO texts VALUES (1, 'no JSON')")
    said = halted(items.daemon)
    assert "change the row" in said["remedy"]
    items.sql("UPDATE texts SET data = '1'")

    carry_out(items, said["remedy"])

    items.start(ledger=False)
    items.until_caught_up()
    verified = Command(items, "verify")
    assert verified.returncode == 0, verified.stderr + verified.stdout


@BOTH
def test_a_table_that_no_longer_fits_its_mapping(items: Stream) -> None:
    items.sql("CREATE TABLE wide (id INT PRIMARY KEY, extra INT)")
    items.stop()
    items.follow("wide", {"fields": {"extra": "extra"}})
    items.start(ledger=False).until_logged("streaming")
    items.sql("ALTER TABLE wide DROP extra", "INSERT INTO wide VALUES (1)")
    said = halted(items.daemon)
    (items.config.parent / "mappings" / "wide.yaml").unlink()
    items.tables.remove("wide")

    carry_out(items, said["remedy"], lambda all_: all_[1:])

    goes_on(items)


@FILES
def test_a_position_amid_a_transaction(items: Stream) -> None:
    items.stop()
    *_, (file, before, *_) = items.source.execute("SHOW BINARY LOGS")
    items.transaction("INSERT INTO items VALUES (2, 'two')", "UPDATE items SET word = 'all'")
    found = items.source.execute(f"SHOW BINLOG EVENTS IN '{file}' FROM {before}")
    amid = next(int(at) for _, at, kind, *_ in found if str(kind).lower() == "table_map")
    moved = Command(items, "position", "set", "--file", str(file), "--offset", str(amid), "--yes")
    assert moved.returncode == 0, moved.stderr
    said = halted(items.start(ledger=False))
    assert "in the middle of a transaction" in said["message"]

    carry_out(items, said["remedy"])

    goes_on(items)


@FILES
def test_a_file_of_another_server(items: Stream) -> None:
    items.stop()
    items.state["streams"].update_one({"_id": items.name}, {"$set": {"server": "another"}})
    said = halted(items.start(ledger=False))

    carry_out(items, said["remedy"])

    goes_on(items)


@MARIADB
def test_temporal_columns_of_the_old_form(items: Stream) -> None:
    items.stop()
    with globally(items, "mysql56_temporal_format", "OFF", afterwards="ON"):
        items.sql("CREATE TABLE times (id INT PRIMARY KEY, at TIME(3))")
        items.follow("times")
        items.start(ledger=False).until_logged("streaming")
        items.sql("INSERT INTO times VALUES (1, '01:02:03.456')")
        said = halted(items.daemon)

        carry_out(items, said["remedy"])

        items.start(ledger=False)
        items.until_caught_up()
        verified = Command(items, "verify")
    assert verified.returncode == 0, verified.stderr + verified.stdout
    assert items.documents("times")[1] == {"at": "01:02:03.456"}


def test_purged_binlogs(own_source: Stream) -> None:
    own_source.settings["chunks"] = {"allow_brief_lock": True}
    own_source.sql("INSERT INTO items VALUES (2, 'never read')", "FLUSH BINARY LOGS")
    own_source.sql("INSERT INTO items VALUES (3, 'still there')")
    purge(own_source.source)
    said = halted(own_source.start(ledger=False))
    assert said["error"] == "PositionPurged"

    carry_out(own_source, said["remedy"])

    goes_on(own_source)


def test_a_history_that_is_another(own_source: Stream) -> None:
    own_source.settings["chunks"] = {"allow_brief_lock": True}
    own_source.sql(
        reset_logs(own_source.source),
        "INSERT INTO items VALUES (2, 'in another history')",
    )
    said = halted(own_source.start(ledger=False))

    carry_out(own_source, said["remedy"])

    goes_on(own_source)


@pytest.mark.parametrize("own_source", ["mysql-file", "mariadb-file"], indirect=True)
def test_a_log_that_was_created_anew(own_source: Stream) -> None:
    own_source.settings["chunks"] = {"allow_brief_lock": True}
    state: Any = own_source.state_document()
    created = state["position"]["created"] - 1
    own_source.state["streams"].update_one(
        {"_id": own_source.name}, {"$set": {"position.created": created}}
    )
    said = halted(own_source.start(ledger=False))
    assert "created anew" in said["message"]

    carry_out(own_source, said["remedy"])

    goes_on(own_source)


@pytest.mark.parametrize("own_source", ["mysql-gtid"], indirect=True)
def test_gtids_that_were_turned_off(own_source: Stream) -> None:
    for mode in ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"):
        own_source.source.execute(f"SET GLOBAL gtid_mode = {mode}")
    own_source.sql("INSERT INTO items VALUES (2, 'without a name')")
    daemon = own_source.start(ledger=False)
    assert daemon.wait() == 3, daemon.stderr
    [said] = daemon.events("stopped")

    carry_out(own_source, said["remedy"])

    goes_on(own_source)


@pytest.mark.parametrize("own_source", ["mysql-gtid"], indirect=True)
def test_a_source_without_an_id_of_its_own(own_source: Stream) -> None:
    daemon = own_source.start(ledger=False)
    own_source.until_streaming()
    own_source.source.execute("SET GLOBAL server_id = 0")
    for connection, *_ in own_source.source.execute(
        "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'"
    ):
        own_source.source.execute(f"KILL {connection}")
    assert daemon.wait() == 3, daemon.stderr
    [said] = daemon.events("stopped")
    checked = Command(own_source, "check")
    assert checked.returncode == 3
    assert "sends its binlog to nobody" in checked.stdout

    carry_out(own_source, said["remedy"])

    goes_on(own_source)


@MYSQL
def test_an_edited_mapping(items: Stream) -> None:
    items.stop()
    items.settings["start"] = "backfill"
    items.state["streams"].delete_one({"_id": items.name})
    items.start(ledger=False).until_logged("job_done")
    items.stop()
    items.follow("items", {"fields": {"text": "word"}})
    daemon = items.start(ledger=False)
    assert daemon.wait() == 2
    [said] = daemon.events("stopped")

    carry_out(items, said["remedy"], lambda all_: all_[:1])

    assert items.documents("items") == {1: {"text": "one"}}


@MYSQL
def test_ids_that_lead_to_no_row(items: Stream) -> None:
    items.stop()
    items.follow("items", {"id": {"sql": "CONCAT('i', id)", "unique": "asserted"}})
    items.start("--accept-mapping-change", ledger=False).until_logged("streaming")
    refused = Command(items, "resync", f"{items.schema}.items")
    assert refused.returncode == 2

    carry_out(items, refused.stderr)

    assert items.documents("items")["i1"] == {"id": 1, "word": "one"}


@MYSQL
def test_what_only_shows_can_be_typed(items: Stream) -> None:
    for refused in (
        Command(items, "jobs", "cancel", "none"),
        Command(items, "dead-letters", "show", "none"),
        Command(items, "dead-letters", "discard"),
        Command(items, "dead-letters", "discard", "--table", "a.b"),
    ):
        assert refused.returncode == 2
        carry_out(items, refused.stderr)
