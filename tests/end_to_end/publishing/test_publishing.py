from __future__ import annotations

import json
from typing import Any

from pymongo import MongoClient

from cdc_sandbox.servers import KafkaServer, MongoServer, MySQLServer
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.history import MariadbGtids
from tests.end_to_end.support.http import get, metrics
from tests.end_to_end.support.published import changes, publish_to, told, transactions
from tests.end_to_end.support.sources import MakeStream
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually


def row(key: int, word: str) -> dict[str, object]:
    return {"id": key, "word": word}


def test_each_change_is_published_beside_its_document(publishing: Stream) -> None:
    publishing.start()
    publishing.sql(
        "INSERT INTO items VALUES (1, 'one')",
        "UPDATE items SET word = 'two' WHERE id = 1",
        "DELETE FROM items",
    )

    publishing.settle()

    assert changes(told(publishing, "items")) == [
        ("c", None, row(1, "one")),
        ("u", row(1, "one"), row(1, "two")),
        ("d", row(1, "two"), None),
        ("-", None, None),
    ]


def test_a_changed_key_is_a_delete_and_a_create_that_name_each_other(publishing: Stream) -> None:
    publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')", "UPDATE items SET id = 2")

    publishing.settle()

    deleted, tombstone, created = told(publishing, "items")[1:]
    assert deleted.change == ("d", row(1, "a"), None)
    assert (deleted.key, deleted.headers) == ({"id": 1}, {"__debezium.newkey": {"id": 2}})
    assert (tombstone.key, tombstone.value) == ({"id": 1}, None)
    assert created.change == ("c", None, row(2, "a"))
    assert (created.key, created.headers) == ({"id": 2}, {"__debezium.oldkey": {"id": 1}})


def test_a_transaction_is_told_with_its_bounds_and_its_counts(publishing: Stream) -> None:
    publishing.table("others", "id INT NOT NULL PRIMARY KEY")
    publishing.start()
    publishing.transaction(
        "INSERT INTO items VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO others VALUES (1)",
        "DELETE FROM items WHERE id = 1",
    )

    publishing.settle()

    begin, end = (each.value for each in transactions(publishing))
    assert (begin["status"], end["status"]) == ("BEGIN", "END")
    assert begin["id"] == end["id"]
    assert begin["id"] in publishing.ledger()
    items, others = (f"{publishing.schema}.{name}" for name in ("items", "others"))
    assert end["event_count"] == 4
    assert end["data_collections"] == [
        {"data_collection": items, "event_count": 3},
        {"data_collection": others, "event_count": 1},
    ]
    found = [*told(publishing, "items"), *told(publishing, "others")]
    orders = [each.value["transaction"] for each in found if each.value is not None]
    assert [(each["total_order"], each["data_collection_order"]) for each in orders] == [
        (1, 1),
        (2, 2),
        (4, 3),
        (3, 1),
    ]
    assert {each["id"] for each in orders} == {begin["id"]}


def test_a_truncate_is_told(publishing: Stream) -> None:
    publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')", "TRUNCATE items")

    publishing.settle()

    emptied = told(publishing, "items")[-1]
    assert emptied.change == ("t", None, None)
    assert emptied.key is None


def test_what_a_mapping_excludes_or_masks_is_not_published(publishing: Stream) -> None:
    publishing.table(
        "people",
        "id INT NOT NULL PRIMARY KEY, name VARCHAR(20), email VARCHAR(20), phone VARCHAR(20)",
        {"fields": {"name": "name", "email": {"column": "email", "mask": "redact"}}},
    )
    publishing.follow("items", {"exclude": ["word"]})
    publishing.start()
    publishing.sql("INSERT INTO people VALUES (1, 'Ann', 'ann@example.com', '555')")
    publishing.sql("INSERT INTO items VALUES (1, 'secret')")

    publishing.until_caught_up()

    assert changes(told(publishing, "people")) == [("c", None, {"id": 1, "name": "Ann"})]
    assert changes(told(publishing, "items")) == [("c", None, {"id": 1})]


def test_a_row_that_where_leaves_out_is_not_published(publishing: Stream) -> None:
    publishing.follow("items", {"where": "word <> 'hidden'"})
    publishing.start()
    publishing.sql(
        "INSERT INTO items VALUES (1, 'hidden'), (2, 'seen')",
        "UPDATE items SET word = 'shown' WHERE id = 1",
        "UPDATE items SET word = 'hidden' WHERE id = 2",
    )

    publishing.until_caught_up()

    assert changes(told(publishing, "items")) == [
        ("c", None, row(2, "seen")),
        ("c", None, row(1, "shown")),
        ("d", row(2, "seen"), None),
        ("-", None, None),
    ]


def test_with_only_no_document_is_written(publishing: Stream) -> None:
    publishing.settings["publish"]["only"] = True
    publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')", "TRUNCATE items")

    publishing.until_caught_up()

    assert [each[0] for each in changes(told(publishing, "items"))] == ["c", "t"]
    assert publishing.documents("items") == {}


def test_a_mariadb_is_told_too(
    kafka: KafkaServer,
    mariadb: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> None:
    stream = make_stream(mariadb, mongo, client, MariadbGtids)
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), at DATETIME(6), js JSON")
    publish_to(stream, kafka.uri)
    stream.start()
    stream.sql(
        """INSERT INTO items VALUES (1, 'a', '2024-02-29 12:34:56.789012', '{"a": 1}')""",
        "DELETE FROM items",
        "TRUNCATE items",
    )

    stream.until_caught_up()

    created, deleted, tombstone, emptied = told(stream, "items")
    assert created.change[2] == {"id": 1, "word": "a", "at": 1709210096789012, "js": '{"a": 1}'}
    assert (deleted.change[0], tombstone.change[0], emptied.change[0]) == ("d", "-", "t")
    source = created.value["source"]
    assert source["connector"] == emptied.value["source"]["connector"] == "mariadb"
    assert source["gtid"] == created.place[0]
    assert source["gtid"] in stream.ledger()


def test_a_key_that_is_hidden_stops_the_stream_until_it_is_shown(publishing: Stream) -> None:
    publishing.follow("items", {"id": {"column": "id", "mask": "hash"}})
    publishing.settings["mask_key"] = "a key for the tests"
    daemon = publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')")
    assert daemon.wait() == 4
    [said] = daemon.events("stopped")

    assert said["error"] == "Unmappable"
    assert "--accept-mapping-change" in said["remedy"]
    publishing.follow("items")
    publishing.start("--accept-mapping-change")
    publishing.until_caught_up()
    assert [each.key for each in told(publishing, "items")] == [{"id": 1}]


def test_a_message_that_is_too_large_stops_the_stream_before_its_document(
    publishing: Stream,
) -> None:
    publishing.settings["publish"]["kafka"]["max_message_bytes"] = 2_000
    publishing.table("texts", "id INT NOT NULL PRIMARY KEY, content TEXT")
    daemon = publishing.start()
    publishing.sql("INSERT INTO texts VALUES (1, REPEAT('x', 3000))")

    assert daemon.wait() == 4

    [said] = daemon.events("stopped")
    assert said["error"] == "PublishRefused"
    assert "max_message_bytes" in said["remedy"]
    assert publishing.documents("texts") == {}
    del publishing.settings["publish"]["kafka"]["max_message_bytes"]
    publishing.start()
    publishing.settle()
    assert [each.key for each in told(publishing, "texts")] == [{"id": 1}]


def test_a_stream_that_only_publishes_has_nothing_to_copy(publishing: Stream) -> None:
    publishing.settings["publish"]["only"] = True
    publishing.start()
    publishing.until_streaming()

    refused = Command(publishing, "resync", f"{publishing.schema}.items")

    assert refused.returncode == 2
    assert "publishes only" in refused.stderr


def test_documents_are_copied_once_a_stream_no_longer_only_publishes(publishing: Stream) -> None:
    publishing.settings["publish"]["only"] = True
    publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')")
    publishing.until_caught_up()
    publishing.stop()

    publishing.settings["publish"]["only"] = False
    publishing.start()

    eventually(lambda: publishing.documents("items") == {1: {"word": "a"}})


def test_check_tells_whether_the_brokers_can_be_reached(
    publishing: Stream, kafka: KafkaServer
) -> None:
    publishing.configure()
    reached = Command(publishing, "check")
    assert reached.returncode == 0, reached.stderr
    assert "1 broker can be reached" in reached.stdout

    publish_to(publishing, "127.0.0.1:1")
    publishing.configure()
    away = Command(publishing, "check")
    assert away.returncode != 0
    assert "kafka" in away.stdout


def test_what_is_published_is_measured(publishing: Stream) -> None:
    publishing.settings["http"] = {"listen": "127.0.0.1:0"}
    daemon = publishing.start()
    publishing.sql("INSERT INTO items VALUES (1, 'a')")
    publishing.settle()

    eventually(lambda: metrics(daemon)["cdc_published_messages_total"] == 3)
    found = metrics(daemon)
    assert found["cdc_kafka_connected"] == 1
    assert found["cdc_published_bytes_total"] > 0
    assert found["cdc_publish_seconds_count"] == 1
    code, body = get(daemon, "/status")
    assert code == 200
    assert json.loads(body)["process"]["published"]["messages"] == 3
