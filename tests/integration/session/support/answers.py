"""Every query of cdc to a source, on tables of all kinds, and its understanding of the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from cdc.config import SourceConfig
from cdc.errors import CdcError
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.model.transaction import RowsEvent
from cdc.readers.binlog import dump
from cdc.readers.binlog.history import proof
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.server import heartbeat_writer, packets, position_check, status
from cdc.readers.server.catalog import define_table, list_tables
from cdc.readers.server.connection import SourceConnection, connect_source
from cdc.readers.server.facts import fetch_source_facts, table_facts
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunks, executed
from tests.integration.mapping.support.binlog import config
from tests.support.binlogs import purge
from tests.support.runs import one_by_one

SCHEMA = "defaults"
ACCOUNT = "asker"
HEART = f"{SCHEMA}.heart"
END = "the_end"
CHUNK = 7
BINLOG_SECONDS = 5

_ALL = (
    "id INT NOT NULL PRIMARY KEY, tiny TINYINT UNSIGNED, big BIGINT UNSIGNED, price DECIMAL(12,4),"
    " ratio FLOAT, exact_ratio DOUBLE, flags BIT(12), born DATE, at DATETIME(6), seen TIMESTAMP(3)"
    " NULL, took TIME(2), made YEAR, code CHAR(8), word VARCHAR(40) CHARACTER SET latin1,"
    " wide VARCHAR(40) CHARACTER SET utf16, raw VARBINARY(20), fixed BINARY(6), body TEXT,"
    " lump BLOB, kind ENUM('a','ö','C:\\\\'), tags SET('x','y','z'), doc JSON,"
    " n INT GENERATED ALWAYS AS (id * 2) STORED"
)
_VALUES = (
    "{0}, {0}, 18446744073709551615 - {0}, {0}.0625, {0}.1, {0}.123456789, b'10101', '2024-02-29',"
    " '2024-05-06 07:08:09.000010', '2024-05-06 07:08:09.120', '-12:34:56.78', 2024, 'c{0}',"
    " 'wört', 'wide €', x'00ff', x'0102', REPEAT('text', {0}), x'00', 1 + {0} % 3, 'x,z',"
    ' \'{{"a": [1, 2.50, "ü"]}}\', DEFAULT'
)
_TABLES = {
    "kinds": _ALL,
    "words": "word VARCHAR(300) CHARACTER SET utf8mb4 NOT NULL PRIMARY KEY, n INT",
    "days": "day DATE NOT NULL, at TIMESTAMP(6) NOT NULL, n INT, PRIMARY KEY (day, at)",
    "parent": "id INT PRIMARY KEY, n INT",
    "child": (
        f"id INT PRIMARY KEY, parent INT, n INT, CONSTRAINT c FOREIGN KEY (parent)"
        f" REFERENCES {SCHEMA}.parent (id) ON DELETE CASCADE"
    ),
}
_BEFORE = "x" * 260
"""Keys that differ behind it only: more than an index of some sizes of sorting holds."""

Answers = dict[str, object]


class Asker:
    """Queries a server by an account that has no more rights than the documented ones."""

    def __init__(self, server: MySQLServer) -> None:
        """Create the tables, and read their events from the binlog."""
        self._server = server
        self._mariadb = server.flavour == "mariadb"
        server.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
        self._grant()
        self.config = config(server).model_copy(
            update={"user": ACCOUNT, "password": _secret(server), "heartbeat_table": HEART}
        )
        self._newest = purge(server)
        self._begin = resolve_start(self.config, "now")
        self._tables = list(self._make())
        self._seen = executed(server)
        self._unknown = self._gtids(self._never())

    def _grant(self) -> None:
        monitor = "BINLOG MONITOR" if self._mariadb else "REPLICATION CLIENT"
        self._server.execute(f"CREATE USER {ACCOUNT} IDENTIFIED BY '{ACCOUNT}'")
        self._server.execute(
            f"GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, {monitor} ON *.* TO {ACCOUNT}"
        )

    def _make(self) -> Iterator[str]:
        execute = self._server.execute
        for name, columns in _TABLES.items():
            execute(f"CREATE TABLE {SCHEMA}.{name} ({columns}) ENGINE=InnoDB")
            yield name
        for number in range(1, 21):
            execute(f"INSERT INTO {SCHEMA}.kinds VALUES ({_VALUES.format(number)})")
        words = ", ".join(f"('{_BEFORE}{number:03}', {number})" for number in range(60, 0, -1))
        execute(f"INSERT INTO {SCHEMA}.words VALUES {words}")
        days = ", ".join(
            f"('2024-03-{n:02}', '2024-03-{n:02} 02:30:00', {n})" for n in range(1, 31)
        )
        execute(f"INSERT INTO {SCHEMA}.days VALUES {days}")
        yield from self._make_own()
        execute(f"ANALYZE TABLE {SCHEMA}.own")  # its estimate would come some time later
        execute(heartbeat_writer.definition(HEART))
        execute(f"GRANT INSERT, UPDATE ON {HEART} TO {ACCOUNT}")
        execute(f"CREATE TABLE {SCHEMA}.{END} (id INT PRIMARY KEY)")
        execute(f"INSERT INTO {SCHEMA}.{END} VALUES (1)")

    def _make_own(self) -> Iterator[str]:
        """Create the table that only this flavour can have."""
        with closing(self._server.connect(SCHEMA)) as connection, connection.cursor() as cursor:
            if self._mariadb:
                cursor.execute("CREATE TABLE own (id INET6 PRIMARY KEY, n INT)")
                cursor.execute("INSERT INTO own VALUES ('2001:db8::1', 7)")
            else:
                made_up = "/*!80030 , sql_generate_invisible_primary_key = 1 */"
                cursor.execute(f"SET @a_statement = 1 {made_up}")
                cursor.execute("CREATE TABLE own (n INT)")
                cursor.execute("INSERT INTO own VALUES (7)")
        yield "own"

    # -- the questions

    def answers(self) -> Answers:
        """Run all queries; an error of cdc's is an answer, too."""
        questions: dict[str, Callable[[], object]] = {
            "facts": self._facts,
            "tables": lambda: self._asked(list_tables),
            "look": self._look,
            "earliest": self._earliest,
            "file": self._file,
            "goes on": lambda: self._asked(self._goes_on),
            "purged": lambda: self._asked(lambda each: self._checked(each, self._gtids(""))),
            "purged dump": lambda: self._refusal(self._gtids("")),
            "unknown dump": lambda: self._refusal(self._unknown),
            "unknown file": lambda: self._refusal(FilePosition("binlog.999999", 4)),
            "heart": lambda: heartbeat_writer.write_heartbeat(self.config, "asker"),
            "binlog": self._binlog,
        }
        for table in self._tables:
            questions |= {
                f"{table} facts": partial(self._described, table_facts, table),
                f"{table} definition": partial(self._described, define_table, table),
                f"{table} rows": partial(self._rows, table),
            }
        return {question: _told(ask) for question, ask in questions.items()}

    def _asked(self, ask: Callable[[SourceConnection], object]) -> object:
        with closing(connect_source(self.config, read_timeout=5)) as connection:
            return ask(connection)

    def _described(
        self, describe: Callable[[SourceConnection, str, str], object], table: str
    ) -> object:
        return self._asked(lambda each: repr(describe(each, SCHEMA, table)))

    def _facts(self) -> object:
        def ask(connection: SourceConnection) -> object:
            facts = fetch_source_facts(connection)
            return replace(facts, clock=None, replicas=None, binary_logs=None, variables={})

        return self._asked(ask)

    def _earliest(self) -> object:
        found = resolve_start(self.config, "earliest")
        assert found.witness
        return found._replace(witness=found.witness._replace(offset=0))  # the log grows meanwhile

    def _look(self) -> object:
        seen = status.fetch(self.config)
        return seen.committed.contains(self._seen), [*seen.logs]

    def _file(self) -> object:
        return status.file_after(self.config, self._begin_gtids(), [self._newest])

    def _begin_gtids(self) -> GtidPosition:
        assert isinstance(self._begin.position, GtidPosition)
        return self._begin.position

    def _goes_on(self, connection: SourceConnection) -> object:
        return proof.server_continuing(
            connection,
            self._begin,
            mariadb=self._mariadb,
            connect=lambda: connect_source(self.config, read_timeout=5),
        )

    def _checked(self, connection: SourceConnection, position: Position) -> object:
        position_check.check(connection, position, mariadb=self._mariadb)
        return "goes on"

    def _refusal(self, position: Position) -> object:
        """What the server's refusal of a dump is taken for."""

        def ask(connection: SourceConnection) -> object:
            dump.request(
                connection, position, server_id=77, heartbeat_seconds=1, mariadb=self._mariadb
            )
            stream = packets.PacketStream(connection, timeout_seconds=5)
            until = time.monotonic() + 5
            try:
                for _ in stream:
                    if time.monotonic() > until:
                        break
            except packets.ServerError as error:
                return type(position_check.explain(error, position, mariadb=self._mariadb))
            return "no refusal"

        return self._asked(ask)

    def _gtids(self, text: str) -> GtidPosition:
        return GtidPosition(MariadbGtids.parse(text) if self._mariadb else GtidSet.parse(text))

    def _never(self) -> str:
        """The GTIDs of transactions that the server has not committed, and would have."""
        if self._mariadb:
            return "0-999-999999"
        [(server,)] = self._server.execute("SELECT @@GLOBAL.server_uuid")
        return f"{server}:1-999999"

    def _binlog(self) -> object:
        """Every row that was ever written to the tables."""
        found: list[object] = []
        reader = BinlogReader(
            self.config, follows=lambda schema, _: schema == SCHEMA, transaction_bytes=1 << 24
        )
        late = threading.Timer(BINLOG_SECONDS, reader.stop)
        late.start()
        for transaction in one_by_one(reader.transactions(Checkpoint(self._begin.position))):
            for change in transaction.changes:
                if isinstance(change, RowsEvent) and change.table.table == END:
                    late.cancel()
                    reader.stop()
                    return found
                if isinstance(change, RowsEvent):
                    found.append((change.table.name, change.kind, change.images))
        return "the end does not come"

    def _rows(self, table: str) -> object:
        """All chunks of a table, a look-up of their last keys, and what else is read of it."""
        reader = ChunkReader(self.config)
        try:
            opened = reader.open(SCHEMA, table)
            found = list(chunks(reader, opened, self._seen, limit=CHUNK))
            sampled = list(chunks(reader, opened, self._seen, limit=CHUNK, where="n % 2 = 1"))
            keys = [chunk.last for chunk in found if chunk.last is not None]
            looked_up = reader.lookup(opened, keys, applied=self._seen)
            return (
                opened.definition,
                opened.rows_estimate > 0,
                [(each.rows, each.last, each.event.images, each.finished) for each in found],
                [(each.rows, each.last, each.event.images) for each in sampled],
                (looked_up.rows, looked_up.event.images),
                [each.images for each in reader.peek(opened, limit=3)],
            )
        finally:
            reader.close()


def _told(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except CdcError as error:
        return type(error), error.message


def _secret(server: MySQLServer) -> Any:
    return SourceConfig.model_validate(
        {"host": server.host, "user": ACCOUNT, "password": ACCOUNT, "server_id": 1}
    ).password
