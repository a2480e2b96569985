from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from pydantic import SecretStr
from pymysql.cursors import Cursor

from cdc.config import SourceConfig, StartPosition
from cdc.errors import Retryable, TooEarly, Unfit
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, GtidPosition, MariadbGtids, Position
from cdc.model.transaction import RowsEvent
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start, start_from_config
from cdc.readers.select.chunk_reader import ChunkReader, TableChanged
from cdc.readers.select.select_table import SelectTable
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, executed
from tests.integration.mapping.support.binlog import config
from tests.support.runs import one_by_one
from tests.support.waiting import eventually

SECONDS = 3
WRITERS = 4
RECENT = 400
"""How many of the newest rows a sample looks at."""
BIGINT = 8
"""Bytes of the key, behind an image's null bitmap of one byte."""

Mode = Literal["gtid", "file"]
MODES: tuple[Mode, ...] = ("gtid", "file")


def numbers(images: bytes) -> list[int]:
    """The keys of images of (id BIGINT, writer BIGINT)."""
    size = 1 + 2 * BIGINT
    return [
        int.from_bytes(images[at + 1 : at + 1 + BIGINT], "little")
        for at in range(0, len(images), size)
    ]


def end_of_log(server: MySQLServer) -> FilePosition:
    *_, last = server.execute("SHOW BINARY LOGS")
    return FilePosition(str(last[0]), int(last[1]))


@pytest.fixture(autouse=True)
def _synced(source: MySQLServer) -> Iterator[None]:
    """Commit as servers do by default: how long a commit takes is what these tests race with."""
    settings = ("sync_binlog", "innodb_flush_log_at_trx_commit")
    [before] = source.execute(f"SELECT {', '.join(f'@@GLOBAL.{each}' for each in settings)}")
    for name in settings:
        source.execute(f"SET GLOBAL {name} = 1")
    yield
    for name, value in zip(settings, before, strict=True):
        source.execute(f"SET GLOBAL {name} = {value}")


@dataclass
class Stream:
    """What a stream has delivered: the position behind each transaction, and rows by then."""

    positions: list[Position]
    ids: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=lambda: [0])
    number: dict[int, int] = field(default_factory=dict)

    def follow(self, reader: BinlogReader, checkpoint: Checkpoint) -> None:
        for transaction in one_by_one(reader.transactions(checkpoint)):
            for change in transaction.changes:
                if isinstance(change, RowsEvent):
                    for id_ in numbers(change.images):
                        self.number[id_] = len(self.positions)
                        self.ids.append(id_)
            self.delivered.append(len(self.ids))
            self.positions.append(transaction.checkpoint.position)

    def reached(self, high: Position) -> int | None:
        """The transaction with which the stream had passed `high`."""
        return next((at for at, one in enumerate(self.positions) if one.contains(high)), None)


@contextmanager
def streaming(server: MySQLServer, schema: str, mode: Mode) -> Iterator[Stream]:
    settings = config(server)
    checkpoint = resolve_start(settings, "now")
    if mode == "file":
        checkpoint = Checkpoint(end_of_log(server), None, checkpoint.server)
    reader = BinlogReader(settings, follows=lambda one, _: one == schema, transaction_bytes=1 << 24)
    stream = Stream([checkpoint.position])
    thread = threading.Thread(target=stream.follow, args=(reader, checkpoint))
    thread.start()
    try:
        yield stream
    finally:
        reader.stop()
        thread.join()


@contextmanager
def writing(server: MySQLServer, table: str) -> Iterator[None]:
    stopping = threading.Event()

    def write(writer: int) -> None:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            while not stopping.is_set():
                cursor.execute(f"INSERT INTO {table} (writer) VALUES ({writer})")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class Sample:
    applied: Position
    after: int
    visible: frozenset[int]
    high: Position


def furthest(cursor: Cursor, stream: Stream, mode: Mode) -> Position:
    """The furthest that a stream could have come by now."""
    if mode == "file":
        cursor.execute("SHOW BINARY LOGS")
        *_, (file, offset, *_) = cursor.fetchall()
        return FilePosition(str(file), int(offset))
    cursor.execute("SELECT VERSION() LIKE '%MariaDB%'")
    if cursor.fetchall() == ((0,),):
        return stream.positions[-1]
    cursor.execute("SELECT @@GLOBAL.gtid_binlog_pos")
    [(gtids,)] = cursor.fetchall()
    return GtidPosition(MariadbGtids.parse(gtids))


def sample(
    cursor: Cursor, reader: ChunkReader, table: SelectTable, stream: Stream, mode: Mode
) -> Sample | None:
    """Read the newest rows."""
    after = max(stream.ids[-RECENT:], default=0) - RECENT
    applied = furthest(cursor, stream, mode)
    try:
        chunk = reader.read(table, after=(str(after),), until=None, limit=10_000, applied=applied)
    except TooEarly:
        return None
    return Sample(applied, after, frozenset(numbers(chunk.event.images)), chunk.high)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_what_is_applied_is_visible_and_what_is_visible_is_in_the_high_watermark(
    source: MySQLServer, schema: str, mode: Mode, budget: int
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, writer BIGINT)")
    samples: list[Sample] = []

    with (
        streaming(source, schema, mode) as stream,
        chunk_reader(source, allow_brief_lock=True) as reader,
        closing(source.connect()) as connection,
        connection.cursor() as cursor,
    ):
        table = reader.open(schema, "t")
        with writing(source, f"{schema}.t"):
            end = time.monotonic() + SECONDS * budget
            while time.monotonic() < end:
                if found := sample(cursor, reader, table, stream, mode):
                    samples.append(found)
        last = samples[-1].high
        eventually(lambda: stream.positions[-1].contains(last))

    for one in samples:
        applied, high = stream.reached(one.applied), stream.reached(one.high)
        assert applied is not None
        assert high is not None
        known = stream.ids[: stream.delivered[applied]][-2 * RECENT :]
        assert {id_ for id_ in known if id_ > one.after} <= one.visible
        assert all(stream.number[id_] <= high for id_ in one.visible)
    rows = sum(len(one.visible) for one in samples)
    print(f"{source.flavour} {mode}: {len(samples)} samples of {rows} rows, {len(stream.ids)} rows")
    assert len(samples) > SECONDS


@pytest.mark.parametrize("mode", MODES)
def test_an_idle_stream_reaches_the_high_watermark(
    source: MySQLServer, schema: str, mode: Mode
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY, writer BIGINT)")
    source.execute(f"INSERT INTO {schema}.t VALUES (1, 1)")
    with (
        streaming(source, schema, mode) as stream,
        chunk_reader(source, allow_brief_lock=True) as reader,
    ):
        for _ in range(2):
            source.execute("FLUSH BINARY LOGS")
            table = reader.open(schema, "t")

            def read() -> Position | None:
                applied = stream.positions[-1]
                try:
                    chunk = reader.read(
                        table,  # noqa: B023
                        after=None,
                        until=None,
                        limit=9,
                        applied=applied,
                    )
                except TooEarly:
                    return None
                assert chunk.rows == 1
                return chunk.high

            high = eventually(read)
            assert high is not None
            eventually(lambda: stream.positions[-1].contains(high))  # noqa: B023


def test_a_position_that_the_source_has_not_reached_is_too_early(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdc.readers.select.watermarks.WAIT_SECONDS", 0.1)
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY)")
    applied = executed(source)
    later = re.sub(r"\d+$", lambda last: str(int(last[0]) + 1000), str(applied))
    ahead = start_from_config(start_position(later), mariadb=source.flavour == "mariadb")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")

        with pytest.raises(TooEarly):
            reader.read(table, after=None, until=None, limit=1, applied=ahead)

        assert reader.read(table, after=None, until=None, limit=1, applied=applied).finished


def test_an_offset_that_no_snapshot_shows_yet_is_too_early(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY)")
    end = end_of_log(source)
    ahead = FilePosition(end.file, end.offset + 1_000_000)
    with chunk_reader(source, allow_brief_lock=True) as reader:
        table = reader.open(schema, "t")

        with pytest.raises(TooEarly):
            reader.read(table, after=None, until=None, limit=1, applied=ahead)

        assert reader.read(table, after=None, until=None, limit=1, applied=end).finished


def start_position(gtid: str) -> StartPosition:
    return StartPosition.model_validate({"gtid": gtid})


def test_file_positions_are_refused_on_mysql_unless_a_brief_lock_is_allowed(
    mysql: MySQLServer,
) -> None:
    mysql.execute("CREATE DATABASE IF NOT EXISTS brief")
    mysql.execute("CREATE TABLE IF NOT EXISTS brief.t (id INT PRIMARY KEY)")
    with chunk_reader(mysql) as reader:
        table = reader.open("brief", "t")

        with pytest.raises(Unfit, match="without GTIDs") as caught:
            reader.read(table, after=None, until=None, limit=1, applied=end_of_log(mysql))

    assert "allow_brief_lock" in str(caught.value)


def test_a_table_that_somebody_writes_to_for_long_is_tried_again(mysql: MySQLServer) -> None:
    mysql.execute("CREATE DATABASE IF NOT EXISTS brief")
    mysql.execute("CREATE TABLE IF NOT EXISTS brief.t (id INT PRIMARY KEY)")
    with (
        chunk_reader(mysql, allow_brief_lock=True) as reader,
        closing(mysql.connect(autocommit=False)) as writer,
        writer.cursor() as cursor,
    ):
        table = reader.open("brief", "t")
        cursor.execute("REPLACE INTO brief.t VALUES (1)")

        with pytest.raises(TooEarly, match="locked"):
            reader.read(table, after=None, until=None, limit=1, applied=end_of_log(mysql))

        writer.rollback()
        applied = end_of_log(mysql)
        assert reader.read(table, after=None, until=None, limit=1, applied=applied).rows in (0, 1)


def account(server: MySQLServer, grants: str) -> SourceConfig:
    for statement in (
        "DROP USER IF EXISTS chunk_reader@'%'",
        "CREATE USER chunk_reader@'%' IDENTIFIED BY 'Chunky-1'",
        f"GRANT {grants} ON *.* TO chunk_reader@'%'",
    ):
        server.execute(statement)
    return config(server).model_copy(
        update={"user": "chunk_reader", "password": SecretStr("Chunky-1")}
    )


def test_the_privileges_of_a_replica_that_may_select_are_enough(
    source: MySQLServer, schema: str
) -> None:
    monitor = "BINLOG MONITOR" if source.flavour == "mariadb" else "REPLICATION CLIENT"
    settings = account(source, f"SELECT, REPLICATION SLAVE, {monitor}")
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY)")
    source.execute(f"INSERT INTO {schema}.t VALUES (1), (2)")
    reader = ChunkReader(settings)
    try:
        table = reader.open(schema, "t")
        chunk = reader.read(table, after=None, until=None, limit=9, applied=executed(source))
        found = reader.lookup(table, [("2",)], applied=executed(source))

        assert (chunk.rows, found.rows) == (2, 1)
    finally:
        reader.close()


def test_an_account_that_may_not_lock_is_told_what_to_grant(mysql: MySQLServer) -> None:
    settings = account(mysql, "SELECT, REPLICATION SLAVE, REPLICATION CLIENT")
    mysql.execute("CREATE DATABASE IF NOT EXISTS brief")
    mysql.execute("CREATE TABLE IF NOT EXISTS brief.t (id INT PRIMARY KEY)")
    reader = ChunkReader(settings, allow_brief_lock=True)
    try:
        table = reader.open("brief", "t")

        with pytest.raises(Unfit, match="may not lock") as caught:
            reader.read(table, after=None, until=None, limit=1, applied=end_of_log(mysql))
    finally:
        reader.close()
    assert "GRANT LOCK TABLES" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    ["ADD COLUMN more INT", "MODIFY writer INT", "DROP COLUMN writer", "RENAME TO {schema}.other"],
)
def test_a_table_that_was_altered_must_be_opened_again(
    source: MySQLServer, schema: str, change: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY, writer BIGINT)")
    source.execute(f"INSERT INTO {schema}.t VALUES (1, 1)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        source.execute(f"ALTER TABLE {schema}.t {change.format(schema=schema)}")

        with pytest.raises(TableChanged):
            reader.read(table, after=None, until=None, limit=9, applied=executed(source))


def test_a_lost_connection_is_opened_again(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        [(number,)] = source.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE command = 'Sleep' ORDER BY id DESC LIMIT 1"
        )
        source.execute(f"KILL {number}")

        with pytest.raises(Retryable):
            reader.read(table, after=None, until=None, limit=9, applied=executed(source))

        assert reader.read(
            table, after=None, until=None, limit=9, applied=executed(source)
        ).finished
