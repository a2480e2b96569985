"""What the source may do to its binlog without changing its meaning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import Flavour, MongoServer, mysql_server
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.binlogs import purge
from tests.support.features import COMPRESSION, TAGGED_GTIDS, require

COLUMNS = "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word TEXT"
ON_MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid", "mysql-file"], indirect=True)
WITH_GTIDS = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", COLUMNS)
    stream.sql(f"CREATE TABLE other ({COLUMNS})")
    return stream


@ON_MYSQL
def test_compressed_transactions_are_read(items: Stream) -> None:
    require(items.source, COMPRESSION)
    items.start()
    items.sql(
        "SET SESSION binlog_transaction_compression = ON",
        "INSERT INTO items (word) VALUES (REPEAT('a', 10000)), (REPEAT('b', 20000))",
        "INSERT INTO other (word) VALUES (REPEAT('none of ours', 1000))",
        "BEGIN",
        "UPDATE items SET word = CONCAT(word, word)",
        "INSERT INTO items (word) VALUES ('short')",
        "COMMIT",
        "SET SESSION binlog_transaction_compression = OFF",
        "INSERT INTO items (word) VALUES ('plain')",
    )
    items.until_caught_up()
    items.stop()
    items.sql(
        "SET SESSION binlog_transaction_compression = ON",
        "DELETE FROM items WHERE id = 1",
        "INSERT INTO items (word) VALUES (REPEAT('last', 1000))",
    )
    items.start()

    items.settle()


@ON_MYSQL
def test_a_compressed_transaction_in_parts_is_resumed(items: Stream) -> None:
    require(items.source, COMPRESSION)
    items.settings["apply"] = {"transaction_bytes": 50_000, "batch_rows": 50}
    items.sql(
        "SET SESSION binlog_transaction_compression = ON",
        "INSERT INTO items (word) VALUES " + ",".join(["(REPEAT('a', 1000))"] * 500),
        "UPDATE items SET word = REPEAT('b', 900)",
    )
    assert items.start(fault="after_commit:5").wait() == -9

    items.start()

    items.settle()


@WITH_GTIDS
def test_tagged_and_untagged_gtids_mix(items: Stream) -> None:
    require(items.source, TAGGED_GTIDS)
    items.start()
    items.sql(
        "INSERT INTO items (word) VALUES ('untagged')",
        "SET gtid_next = 'AUTOMATIC:blue'",
        "INSERT INTO items (word) VALUES ('blue')",
        "UPDATE items SET word = 'blue again' WHERE id = 1",
        "SET gtid_next = 'AUTOMATIC:a_rather_long_tag_of_32_letters'",
        "INSERT INTO items (word) VALUES ('long')",
        "SET gtid_next = 'AUTOMATIC'",
        "INSERT INTO items (word) VALUES ('untagged again')",
    )
    items.until_caught_up()
    items.stop()
    items.sql(
        "SET gtid_next = 'AUTOMATIC:blue'",
        "SET SESSION binlog_transaction_compression = ON",
        "INSERT INTO items (word) VALUES ('tagged and compressed')",
        "SET gtid_next = 'AUTOMATIC'",
        "DELETE FROM items WHERE id = 2",
    )
    items.start()

    items.settle()
    assert any(":blue:" in identity for identity in items.ledger())


@WITH_GTIDS
def test_a_gtid_out_of_order_is_not_passed_over(items: Stream) -> None:
    [(uuid,)] = items.source.execute("SELECT @@server_uuid")
    [(executed,)] = items.source.execute("SELECT @@GLOBAL.gtid_executed")
    foreign = "11111111-2222-3333-4444-555555555555"
    assert uuid not in foreign
    assert foreign not in executed
    items.start()
    for number in (7, 3, 5):
        items.sql(
            f"SET gtid_next = '{foreign}:{number}'",
            f"INSERT INTO items (word) VALUES ('{number}')",
            "SET gtid_next = 'AUTOMATIC'",
        )
        items.until_caught_up()
        items.restart()
    items.sql(
        f"SET gtid_next = '{foreign}:4'",
        "UPDATE items SET word = CONCAT(word, '!')",
        "SET gtid_next = 'AUTOMATIC'",
    )

    items.settle()


@WITH_GTIDS
def test_an_empty_transaction_moves_the_position(items: Stream) -> None:
    items.start()

    items.sql(
        "SET gtid_next = '11111111-2222-3333-4444-666666666666:1'",
        "BEGIN",
        "COMMIT",
        "SET gtid_next = 'AUTOMATIC'",
    )

    items.settle()


@pytest.mark.parametrize("stream", ["mariadb-gtid", "mariadb-file"], indirect=True)
def test_mariadbs_domains_each_go_on_where_they_stood(items: Stream) -> None:
    items.start()
    for number, domain in enumerate((0, 7, 3, 7)):
        items.sql(
            f"SET SESSION gtid_domain_id = {domain}",
            f"SET SESSION server_id = {50 + number}",
            f"INSERT INTO items (word) VALUES ('{domain}')",
            "UPDATE items SET word = CONCAT(word, '!')",
        )
        items.until_caught_up()
        items.restart()
        items.sql("INSERT INTO items (word) VALUES ('0')")

    items.settle()


@pytest.fixture
def compressing(
    mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> Iterator[Stream]:
    """A stream from a MariaDB that compresses its binlog."""
    options = ["--log-bin-compress=ON", "--log-bin-compress-min-len=10"]
    with mysql_server("mariadb", options=options) as source:
        stream = make_stream(source, mongo, client, KINDS["mariadb-gtid"][1])
        stream.table("items", COLUMNS)
        yield stream
        stream.close()


def test_mariadbs_compressed_events_are_read(compressing: Stream) -> None:
    compressing.start()
    compressing.sql(
        "INSERT INTO items (word) VALUES (REPEAT('a', 10000)), (REPEAT('b', 500))",
        "UPDATE items SET word = CONCAT(word, word)",
        f"CREATE TABLE other ({COLUMNS}, notes VARCHAR(200) COMMENT '{'x' * 99}')",
        "DELETE FROM items WHERE id = 1",
        "INSERT INTO items (word) VALUES ('s')",
    )

    compressing.settle()


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_binlog_without_checksums_is_read(
    flavour: Flavour, mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> None:
    with mysql_server(flavour, options=["--binlog-checksum=NONE"]) as source:
        stream = make_stream(source, mongo, client, KINDS[f"{flavour}-gtid"][1])
        stream.table("items", COLUMNS)
        stream.start()
        stream.sql("INSERT INTO items (word) VALUES ('unchecked')")
        stream.until_caught_up()

        stream.sql(
            "SET GLOBAL binlog_checksum = CRC32",
            "INSERT INTO items (word) VALUES ('checked')",
            "SET GLOBAL binlog_checksum = NONE",
            "UPDATE items SET word = 'unchecked again'",
        )

        stream.settle()
        stream.restart()
        stream.sql("DELETE FROM items WHERE id = 1")
        stream.settle()
        stream.close()


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_a_new_stream_starts_now_or_at_the_oldest_binlog(items: Stream) -> None:
    purge(items.source)  # what other tests have left there may not be fit to be read
    items.sql("INSERT INTO items (word) VALUES ('before')")
    items.settings["start"] = "now"
    items.start(ledger=False)
    items.until_streaming()
    items.sql("INSERT INTO items (word) VALUES ('after')")
    items.until_caught_up()
    assert items.documents("items").keys() == {2}
    items.stop()

    items.state["streams"].delete_one({"_id": items.name})
    items.settings["start"] = "earliest"
    items.start(ledger=False)

    items.until_caught_up()
    items.assert_same_content()
