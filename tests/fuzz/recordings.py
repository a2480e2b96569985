"""What servers have written: `python -m tests.fuzz.recordings` records it anew.

Rows of many types are inserted, changed and deleted, some transactions are compressed, a table is
altered, and a file ends.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cdc.model.checkpoint import Checkpoint
from cdc_sandbox.servers import Flavour, MySQLServer, mysql_server
from tests.integration.mapping.support.raw_events import recorded

FOLDER: Final = Path(__file__).parent / "recorded"
FLAVOURS: Final[tuple[Flavour, ...]] = ("mysql", "mariadb")
SCHEMA: Final = "shop"
MARKER: Final = b"the end of it"

THINGS: Final = (
    "id BIGINT NOT NULL PRIMARY KEY, tiny TINYINT, small SMALLINT UNSIGNED NOT NULL,"
    " medium MEDIUMINT, wide INT UNSIGNED, price DECIMAL(12,2), ratio DOUBLE, day DATE,"
    " made DATETIME(6), stamp TIMESTAMP(3) NULL, lasts TIME, since YEAR, name VARCHAR(40),"
    " code CHAR(5), raw VARBINARY(20), body TEXT, mood ENUM('a','b','ü'), tags SET('x','y','z'),"
    " flags BIT(9), far VARCHAR(300), fixed BINARY(3)"
)
ROWS: Final = (
    "({0}, -3, 65000, -70000, 4000000000, -1234567.89, 1.5e-3, '2024-02-29',"
    " '2024-05-06 07:08:09.123456', '2024-05-06 07:08:09.5', '-12:34:56', 2024, 'grüße', 'ab',"
    " x'00ff10', 'a text', 'ü', 'x,z', b'100000001', '{1}', x'0102')",
    "({0}, NULL, 0, NULL, NULL, 0, 0, '0000-00-00', '1000-01-01', NULL, '838:59:59', 0, '', '',"
    " '', NULL, NULL, '', b'0', NULL, NULL)",
)
TABLES: Final = (
    f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4",
    f"CREATE TABLE {SCHEMA}.the_end (id INT PRIMARY KEY, word VARCHAR(20))",
    f"CREATE TABLE {SCHEMA}.things ({THINGS})",
    f"CREATE TABLE {SCHEMA}.pairs (one TINYINT NOT NULL, other SMALLINT NOT NULL,"
    " PRIMARY KEY (other, one))",
)
STATEMENTS: Final = (
    "SET SESSION sql_mode = ''",
    "SET SESSION time_zone = '+00:00'",
    f"INSERT INTO {SCHEMA}.things VALUES "
    + ", ".join((ROWS[0].format(1, "f" * 60), ROWS[1].format(2), ROWS[0].format(3, "g"))),
    f"INSERT INTO {SCHEMA}.pairs VALUES (1, 2), (3, 4), (-5, 600)",
    f"UPDATE {SCHEMA}.things SET name = 'other', day = '1999-12-31' WHERE id = 1",
    "BEGIN",
    f"DELETE FROM {SCHEMA}.pairs WHERE one = 3",
    f"UPDATE {SCHEMA}.pairs SET other = 7 WHERE one = 1",
    f"INSERT INTO {SCHEMA}.things VALUES {ROWS[1].format(4)}",
    f"DELETE FROM {SCHEMA}.things WHERE id = 3",
    "COMMIT",
    f"ALTER TABLE {SCHEMA}.pairs ADD COLUMN more INT UNSIGNED",
    f"INSERT INTO {SCHEMA}.pairs VALUES (9, 9, 4000000000)",
    "FLUSH BINARY LOGS",
    "{compress} = ON",
    f"INSERT INTO {SCHEMA}.things VALUES {ROWS[0].format(5, 'c' * 80)}",
    f"INSERT INTO {SCHEMA}.pairs VALUES (10, 10, 1), (11, 11, NULL)",
    "{compress} = OFF",
    f"INSERT INTO {SCHEMA}.the_end VALUES (1, '{MARKER.decode()}')",
)
COMPRESS: Final = {
    "mysql": "SET SESSION binlog_transaction_compression",
    "mariadb": "SET GLOBAL log_bin_compress_min_len = 10, GLOBAL log_bin_compress",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """Events with their checksums, as a server sent them from a position on."""

    mariadb: bool
    start: Checkpoint
    events: tuple[bytes, ...]


@cache
def recording(flavour: Flavour) -> Recording:
    """Return what a server has written."""
    found = json.loads((FOLDER / f"{flavour}.json").read_text())
    return Recording(
        flavour == "mariadb",
        Checkpoint.from_document({"position": found["position"], "server": found["server"]}),
        tuple(map(bytes.fromhex, found["events"])),
    )


def _record(server: MySQLServer) -> None:
    for each in TABLES:
        server.execute(each)
    start, events = recorded(server, lambda: _act(server), MARKER)
    found = start.to_document()
    document = {
        "version": server.version,
        "position": found["position"],
        "server": found["server"],
        "events": [each.hex() for each in events],
    }
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{server.flavour}.json"
    file.write_text(json.dumps(document, indent=1) + "\n")


def _act(server: MySQLServer) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for each in STATEMENTS:
            cursor.execute(each.replace("{compress}", COMPRESS[server.flavour]))


def main() -> int:
    """Record each flavour."""
    for each in FLAVOURS:
        with mysql_server(each) as server:
            _record(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
