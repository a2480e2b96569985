"""MySQL's GTID events tell how large their transactions are, whatever these hold."""

from __future__ import annotations

import pytest

from cdc.readers.binlog import gtid_events
from cdc.readers.binlog.events import EventType
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.raw_events import recorded
from tests.support.features import COMPRESSION, TAGGED_GTIDS, has

MARKER = "the end of the sizes"
STATEMENTS = (
    "DROP DATABASE IF EXISTS sizes",
    "DROP USER IF EXISTS sized",
    "CREATE DATABASE sizes",
    "CREATE TABLE sizes.t (id INT PRIMARY KEY, word LONGTEXT)",
    "INSERT INTO sizes.t VALUES (1, REPEAT('x', 70000)), (2, 'y')",
    "CREATE TABLE sizes.copied SELECT * FROM sizes.t",
    "CREATE USER sized IDENTIFIED BY 'a long Passw0rd!'",
    "GRANT SELECT ON sizes.* TO sized",
    "ALTER TABLE sizes.t ADD COLUMN more INT DEFAULT 7",
    "ANALYZE TABLE sizes.t",
    "FLUSH TABLES sizes.t",
    "XA START 'one'",
    "UPDATE sizes.t SET more = 8",
    "XA END 'one'",
    "XA PREPARE 'one'",
    "XA COMMIT 'one'",
    "DROP USER sized",
)


@pytest.mark.parametrize("setting", ["", "binlog_transaction_compression = ON", "gtid_next"])
def test_a_transaction_is_as_large_as_its_gtid_event_tells(
    source: MySQLServer, setting: str
) -> None:
    if source.flavour == "mariadb":
        pytest.skip("MariaDB tells no sizes")
    session = {"gtid_next": "gtid_next = 'AUTOMATIC:sized'"}.get(setting, setting)
    needed = {"gtid_next": TAGGED_GTIDS}.get(setting, COMPRESSION)
    if setting and not has(source, needed):
        pytest.skip("this server has not got it")

    def act() -> None:
        connection = source.connect()
        with connection, connection.cursor() as cursor:
            if session:
                cursor.execute(f"SET SESSION {session}")
            for each in STATEMENTS:
                cursor.execute(each)
            cursor.execute(f"DROP DATABASE sizes /* {MARKER} */")

    _, found = recorded(source, act, MARKER.encode())

    told, seen = list[int](), list[int]()
    for each in found:
        if each[4] in (EventType.GTID, EventType.GTID_TAGGED):
            told.append(gtid_events.transaction_size(each))
            seen.append(0)
        if told:
            seen[-1] += len(each)
    assert told == seen
    assert len(told) >= len(STATEMENTS) - 2
