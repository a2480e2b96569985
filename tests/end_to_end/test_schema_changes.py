"""Schema changes while the daemon runs and while it is down: what they queue, what they stop."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"
BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MARIADB = pytest.mark.parametrize("stream", ["mariadb-gtid"], indirect=True)


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", COLUMNS)
    stream.sql("INSERT INTO items VALUES (1, 'before'), (2, 'before')")
    return stream


def jobs(stream: Stream) -> list[Document]:
    return list(stream.state["jobs"].find({"requested_by": {"$regex": "^ddl: "}}))


def queued(stream: Stream) -> list[str]:
    """The tables of the resyncs that statements have asked for; each such job is well formed."""
    found = jobs(stream)
    for job in found:
        assert (job["stream"], job["kind"], job["options"]) == (stream.name, "resync", {})
    return [job["table"] for job in found]


def until_resynced(stream: Stream) -> None:
    """Wait until what the statements have asked for is done."""

    def done() -> bool:
        stream.daemon.check_alive(waiting_for="the resync")
        found = jobs(stream)
        return bool(found) and all(job["state"] == "done" for job in found)

    eventually(done)


@BOTH_SERVERS
def test_alters_that_may_change_values_queue_a_resync(items: Stream) -> None:
    items.start()
    items.until_streaming()

    items.sql(
        "ALTER TABLE items ADD COLUMN number INT NOT NULL DEFAULT 7",
        "ALTER TABLE items MODIFY word VARCHAR(30)",
        "INSERT INTO items VALUES (3, 'after', 3)",
    )
    items.until_caught_up()
    until_resynced(items)

    assert set(queued(items)) == {f"{items.schema}.items"}
    assert items.documents("items")[1] == {"word": "before", "number": 7}
    items.assert_equal()


@ONE_KIND
def test_alters_that_leave_values_alone_queue_nothing(items: Stream) -> None:
    items.start()
    items.sql(
        "ALTER TABLE items ADD INDEX by_word (word), COMMENT 'ADD COLUMN x INT'",
        "ALTER TABLE items DROP INDEX by_word, ENGINE=InnoDB",
        "CREATE INDEX by_word ON items (word)",
        "UPDATE items SET word = 'after'",
    )

    items.settle()

    assert queued(items) == []


@ONE_KIND
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_resync_is_queued_once_whatever_dies(items: Stream, point: str) -> None:
    items.settings["apply"] = {"batch_rows": 1}
    items.start()
    items.until_caught_up()
    items.stop()
    items.sql("ALTER TABLE items MODIFY word VARCHAR(30)")

    assert items.start(fault=point).wait() == -9
    items.start()
    items.until_caught_up()
    until_resynced(items)

    assert queued(items) == [f"{items.schema}.items"]


@BOTH_SERVERS
def test_a_cut_over_as_gh_ost_makes_it_queues_a_resync(items: Stream) -> None:
    items.start()
    items.until_streaming()
    items.sql(
        "CREATE /* gh-ost */ TABLE _items_ghc (id BIGINT AUTO_INCREMENT, hint VARCHAR(64), "
        "value VARCHAR(4096), PRIMARY KEY (id), UNIQUE KEY hint_uidx (hint)) AUTO_INCREMENT=256",
        "CREATE /* gh-ost */ TABLE _items_gho LIKE items",
        "ALTER /* gh-ost */ TABLE _items_gho ADD COLUMN number INT NOT NULL DEFAULT 7",
        "INSERT /* gh-ost */ INTO _items_ghc VALUES (NULL, 'heartbeat', 'x')",
        "INSERT /* gh-ost */ IGNORE INTO _items_gho (id, word)"
        " (SELECT id, word FROM items LOCK IN SHARE MODE)",
        "CREATE /* gh-ost */ TABLE _items_del (id INT AUTO_INCREMENT PRIMARY KEY)"
        " ENGINE=InnoDB COMMENT='ghost-cut-over-sentry'",
        "LOCK /* gh-ost */ TABLES items WRITE, _items_del WRITE",
        "DROP /* gh-ost */ TABLE IF EXISTS _items_del",
        "UNLOCK TABLES",
        "RENAME /* gh-ost */ TABLE items TO _items_del, _items_gho TO items",
        "DROP /* gh-ost */ TABLE IF EXISTS _items_ghc",
        "DROP /* gh-ost */ TABLE IF EXISTS _items_del",
        "INSERT INTO items VALUES (3, 'after', 3)",
    )

    items.until_caught_up()
    until_resynced(items)

    assert queued(items) == [f"{items.schema}.items"]
    assert items.documents("items")[1] == {"word": "before", "number": 7}
    items.assert_equal()


@BOTH_SERVERS
def test_a_cut_over_as_pt_online_schema_change_makes_it_queues_a_resync(items: Stream) -> None:
    schema = items.schema
    items.start()
    items.until_streaming()
    triggers = [
        f"CREATE TRIGGER pt_osc_{schema}_items_{name} AFTER {verb} ON {schema}.items FOR EACH ROW"
        f" {action}"
        for name, verb, action in (
            ("del", "DELETE", f"DELETE IGNORE FROM {schema}._items_new WHERE id <=> OLD.id"),
            ("ins", "INSERT", f"REPLACE INTO {schema}._items_new (id) VALUES (NEW.id)"),
        )
    ]
    items.sql(
        f"CREATE TABLE `{schema}`.`_items_new` LIKE `{schema}`.`items`",
        f"ALTER TABLE `{schema}`.`_items_new` MODIFY id BIGINT NOT NULL",
        *triggers,
        "INSERT LOW_PRIORITY IGNORE INTO _items_new (id, word) SELECT id, word FROM items"
        " LOCK IN SHARE MODE /*pt-online-schema-change 1 copy table*/",
        "INSERT INTO items VALUES (3, 'meanwhile')",
        "ANALYZE TABLE _items_new /* pt-online-schema-change */",
        f"RENAME TABLE `{schema}`.`items` TO `{schema}`.`_items_old`,"
        f" `{schema}`.`_items_new` TO `{schema}`.`items`",
        f"DROP TABLE IF EXISTS `{schema}`.`_items_old`",
        "INSERT INTO items VALUES (4, 'after')",
    )

    items.until_caught_up()
    until_resynced(items)
    items.assert_equal()

    assert queued(items) == [f"{schema}.items"]


@BOTH_SERVERS
def test_partitions_that_lose_rows_queue_a_resync(stream: Stream) -> None:
    stream.sql(
        f"CREATE TABLE parted ({COLUMNS}) PARTITION BY RANGE (id)"
        " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))"
    )
    stream.follow("parted")
    stream.sql("INSERT INTO parted VALUES (1, 'old'), (11, 'old')")
    stream.start()
    stream.until_caught_up()

    stream.sql(
        "ALTER TABLE parted TRUNCATE PARTITION p1", "INSERT INTO parted VALUES (12, 'after')"
    )
    stream.until_caught_up()
    until_resynced(stream)

    assert queued(stream) == [f"{stream.schema}.parted"]
    stream.assert_equal()


@BOTH_SERVERS
@pytest.mark.parametrize(
    "statement", ["DROP TABLE items", "RENAME TABLE items TO elsewhere", "DROP DATABASE {schema}"]
)
def test_a_table_that_went_while_the_daemon_was_down_is_met_in_the_stream(
    stream: Stream, statement: str
) -> None:
    stream.table("items", COLUMNS, {"on_drop": "apply"})
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()
    stream.stop()
    with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
        cursor.execute(statement.format(schema=stream.schema))

    stream.start()
    stream.until_caught_up()
    stream.stop()
    stream.start()
    stream.until_streaming()

    assert stream.documents("items") == {}
    assert stream.daemon.events("preflight")


@ONE_KIND
def test_a_dropped_table_that_is_ignored_keeps_its_documents(stream: Stream) -> None:
    stream.table("items", COLUMNS, {"on_drop": "ignore"})
    stream.sql("INSERT INTO items VALUES (1, 'before')", "DROP TABLE items")
    stream.sql(f"CREATE TABLE items ({COLUMNS})", "INSERT INTO items VALUES (2, 'after')")
    stream.start()

    stream.until_caught_up()

    assert stream.documents("items") == {1: {"word": "before"}, 2: {"word": "after"}}


@MARIADB
@pytest.mark.parametrize("statement", ["SEQUENCE items", "DATABASE {schema}"])
def test_what_takes_a_tables_place_takes_its_documents_away(stream: Stream, statement: str) -> None:
    stream.table("items", COLUMNS, {"on_drop": "apply"})
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()

    stream.sql(f"CREATE OR REPLACE {statement.format(schema=stream.schema)}")
    stream.until_caught_up()

    assert stream.documents("items") == {}


@MARIADB
def test_a_name_in_brackets_is_understood_where_the_session_has_them(stream: Stream) -> None:
    stream.table("items", COLUMNS, {"on_truncate": "apply"})
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()

    stream.sql("SET SESSION sql_mode = 'MSSQL'", "TRUNCATE TABLE [items]")

    stream.settle()


@ONE_KIND
def test_a_halt_ends_when_the_mapping_says_what_to_do(stream: Stream) -> None:
    stream.table("items", COLUMNS)
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()
    stream.sql("DROP TABLE items")
    halted(stream.daemon)

    stream.follow("items", {"on_drop": "apply"})
    stream.tables.clear()
    stream.start()
    stream.settle()

    assert stream.documents("items") == {}


@ONE_KIND
def test_a_mapping_that_names_a_vanished_column_stops_with_position_and_remedy(
    stream: Stream,
) -> None:
    stream.table("items", COLUMNS, {"fields": {"text": "word"}})
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()
    before = stream.state_document()
    assert before is not None

    stream.sql("ALTER TABLE items DROP COLUMN word", "INSERT INTO items VALUES (2)")

    said = halted(stream.daemon)
    assert said["error"] == "Unmappable"
    assert "word" in said["message"]
    assert said["table"] == f"{stream.schema}.items"
    assert "cdc position skip" in said["remedy"]
    assert stream.documents("items") == {1: {"text": "before"}}


@ONE_KIND
def test_a_column_that_vanished_while_the_daemon_was_down_is_met_in_the_stream(
    stream: Stream,
) -> None:
    stream.table("items", COLUMNS, {"fields": {"text": "word"}})
    stream.sql("INSERT INTO items VALUES (1, 'before')")
    stream.start()
    stream.until_caught_up()
    stream.stop()
    stream.sql(
        "INSERT INTO items VALUES (2, 'still')",
        "ALTER TABLE items DROP COLUMN word",
        "INSERT INTO items VALUES (3)",
    )

    stream.start()
    said = halted(stream.daemon)
    documents = stream.documents("items")
    stream.follow("items", {"fields": {"text": {"column": "word", "optional": True}}})
    stream.start("--accept-mapping-change")
    stream.until_caught_up()

    assert "--accept-mapping-change" in said["remedy"]
    assert documents == {1: {"text": "before"}, 2: {"text": "still"}}
    until_resynced(stream)
    assert stream.documents("items") == {1: {}, 2: {}, 3: {}}


@BOTH_SERVERS
def test_another_primary_key_queues_a_resync_and_goes_on_by_it(items: Stream) -> None:
    items.start()
    items.until_caught_up()

    items.sql(
        "ALTER TABLE items ADD COLUMN code INT NOT NULL DEFAULT 0",
        "UPDATE items SET code = id + 100",
        "ALTER TABLE items DROP PRIMARY KEY, ADD PRIMARY KEY (code)",
        "INSERT INTO items VALUES (3, 'after', 103)",
    )
    items.until_caught_up()

    until_resynced(items)

    assert items.documents("items") == {
        101: {"id": 1, "word": "before"},
        102: {"id": 2, "word": "before"},
        103: {"id": 3, "word": "after"},
    }


@ONE_KIND
def test_a_table_that_loses_its_primary_key_stops_the_stream(items: Stream) -> None:
    items.start()
    items.until_caught_up()

    items.sql("ALTER TABLE items DROP PRIMARY KEY", "INSERT INTO items VALUES (3, 'after')")

    said = halted(items.daemon)
    assert said["error"] == "Unmappable"
    assert "primary key" in said["message"]


@ONE_KIND
def test_a_table_that_becomes_unfit_stops_the_stream(items: Stream) -> None:
    items.start()
    items.until_caught_up()

    items.sql("ALTER TABLE items ENGINE=MyISAM")

    said = halted(items.daemon)
    assert "MyISAM" in said["message"]
    assert "cdc position skip" in said["remedy"]
