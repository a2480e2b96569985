"""The same numbers in another history: the source gives GTIDs and offsets again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, MySQLServer, mysql_server
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.put_back import Backup, live_application
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.binlogs import newest, purge, purge_to
from tests.support.dialect import change_source, reset_logs, start_replica, stop_replica
from tests.support.features import OWN_CERTIFICATE, has
from tests.support.unsynced import UNSYNCED
from tests.support.waiting import eventually

HALTED = 4
UNFIT = 3
AT_ONCE_SECONDS = 8
"""Less than the source is waited for to show what its stream has delivered."""

GTIDS = pytest.mark.parametrize("own_source", ["mysql-gtid", "mariadb-gtid"], indirect=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of the test's own source."""
    return tmp_path / "data"


@pytest.fixture(params=KINDS)
def own_source(
    request: pytest.FixtureRequest,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
    data: Path,
) -> Iterator[Stream]:
    """A stream from a source whose log the test may destroy, with a table `items`."""
    options = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    with mysql_server(
        request.param.partition("-")[0],
        options=[*UNSYNCED, *(options if request.param == "mysql-file" else ())],
        data_dir=data,
    ) as source:
        stream = make_stream(source, mongo, client, KINDS[request.param][1])
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        yield stream
        stream.close()
        source.kill()


def insert(stream: Stream, first: int, last: int, word: str = "read") -> None:
    stream.sql(*[f"INSERT INTO items VALUES ({number}, '{word}')" for number in range(first, last)])


def reset(stream: Stream) -> None:
    """Make the source forget its log, in another second than the log was made."""
    *_, (began,) = stream.source.execute("SELECT UNIX_TIMESTAMP()")
    eventually(lambda: stream.source.execute("SELECT UNIX_TIMESTAMP()")[0][0] > began)
    stream.sql(reset_logs(stream.source))


def diverged(daemon: Daemon, error: str = "SourceDiverged") -> Document:
    """Wait for the daemon to halt; return what it said."""
    assert daemon.wait() == HALTED, daemon.stderr
    [said] = [event for event in daemon.events("stopped") if event.get("exit_code") == HALTED]
    assert said["error"] == error, said
    assert said["remedy"]
    return said


def assert_check_says(stream: Stream, said: Document) -> None:
    check = Command(stream, "check")
    assert check.returncode == UNFIT, check.stdout
    assert said["message"].split(":")[0] in check.stdout


def test_a_log_that_was_reset_and_has_come_as_far_again_is_another_one(own_source: Stream) -> None:
    own_source.start()
    insert(own_source, 1, 8)
    own_source.until_caught_up()
    own_source.stop()
    reset(own_source)
    own_source.sql("DELETE FROM items")
    insert(own_source, 100, 130, "in another history")

    said = diverged(own_source.start())

    assert own_source.documents("items").keys() == set(range(1, 8))
    assert_check_says(own_source, said)


def test_a_log_that_is_reset_behind_an_idle_stream_is_told_within_moments(
    own_source: Stream,
) -> None:
    """The server goes on sending heartbeats from the file that it has removed."""
    daemon = own_source.start()
    insert(own_source, 1, 8)
    own_source.until_caught_up()
    reset(own_source)
    insert(own_source, 100, 103, "in another history")

    said = diverged(daemon)

    assert not daemon.events("source_lost")
    assert own_source.documents("items").keys() == set(range(1, 8))
    assert_check_says(own_source, said)


def test_a_stream_whose_history_is_purged_while_it_is_idle_goes_on(own_source: Stream) -> None:
    daemon = own_source.start()
    insert(own_source, 1, 8)
    own_source.until_caught_up()
    purge(own_source.source)
    daemon.until_logged("history_proved_again")
    insert(own_source, 8, 10)

    own_source.until_caught_up()

    own_source.assert_same_content()
    assert not daemon.events("source_lost")


def test_a_log_that_cannot_be_opened_for_a_while_is_no_other_history(
    own_source: Stream, data: Path
) -> None:
    """As where the source has too many files open; what reads it already goes on."""
    daemon = own_source.start()
    insert(own_source, 1, 8)
    own_source.until_caught_up()
    [file] = data.rglob(newest(own_source.source))
    aside = file.rename(file.with_suffix(".aside"))

    daemon.until_logged("history_not_proved")
    aside.rename(file)
    insert(own_source, 8, 10)

    own_source.settle()
    assert not daemon.events("source_lost")


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_an_account_that_may_not_log_in_again_reads_on(stream: Stream) -> None:
    tls = "required" if has(stream.source, OWN_CERTIFICATE) else "off"
    account = f"'{stream.schema}'@'%'"
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.sql(
        f"CREATE USER {account} IDENTIFIED BY 'one'",
        f"GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {account}",
    )
    stream.settings["source"] |= {"user": stream.schema, "password": "one", "tls": tls}
    daemon = stream.start()
    try:
        stream.until_caught_up()
        stream.sql(f"ALTER USER {account} IDENTIFIED BY 'two'")
        daemon.until_logged("history_not_proved")
        stream.sql("INSERT INTO items VALUES (1, 'one')")

        stream.settle()
    finally:
        stream.source.execute(f"DROP USER {account}")

    assert not daemon.events("source_lost")


def test_a_log_that_is_reset_before_anything_was_applied_is_another_one(own_source: Stream) -> None:
    own_source.settings["start"] = "now"
    own_source.start()
    own_source.until_streaming()
    own_source.stop()
    reset(own_source)
    insert(own_source, 100, 130, "in another history")

    diverged(own_source.start())

    assert own_source.documents("items") == {}


def test_a_source_that_was_put_back_and_written_to_meanwhile_is_told(
    own_source: Stream, data: Path
) -> None:
    own_source.start()
    insert(own_source, 1, 4)
    own_source.until_caught_up()
    own_source.stop()
    backup = Backup(own_source.source, data)
    own_source.start()
    insert(own_source, 4, 14)
    own_source.until_caught_up()
    own_source.stop()

    backup.put_back()
    insert(own_source, 100, 130, "in another history")

    said = diverged(own_source.start())
    assert own_source.documents("items").keys() == set(range(1, 14))
    assert_check_says(own_source, said)


def test_a_running_daemon_tells_at_once_that_its_source_was_put_back(
    own_source: Stream, data: Path
) -> None:
    """An application that writes on gives the lost numbers again within a second."""
    own_source.start()
    insert(own_source, 1, 4)
    own_source.until_caught_up()
    own_source.stop()
    backup = Backup(own_source.source, data)
    own_source.start()
    insert(own_source, 4, 14)
    own_source.until_caught_up()

    with live_application(own_source.source, own_source.schema, "items"):
        own_source.daemon.until_logged("batch_applied", 1)
        backup.put_back()
        began = time.monotonic()
        diverged(own_source.daemon)

    assert time.monotonic() - began < AT_ONCE_SECONDS
    applied = own_source.documents("items")
    assert set(range(1, 14)) <= applied.keys()


def test_a_source_that_was_put_back_before_what_lanes_have_done_is_another_one(
    own_source: Stream, data: Path
) -> None:
    """The position itself is on both sides of the fork."""
    own_source.settings["apply"] = {"lanes": 2, "batch_rows": 5}
    own_source.start()
    insert(own_source, 1, 4)
    own_source.until_caught_up()
    own_source.stop()
    backup = Backup(own_source.source, data)
    insert(own_source, 4, 60)
    died = own_source.start(fault="before_close:1")
    assert died.wait() == -9

    backup.put_back()
    insert(own_source, 100, 160, "in another history")

    said = diverged(own_source.start())
    assert 100 not in own_source.documents("items")
    assert_check_says(own_source, said)


def test_history_that_was_purged_once_it_was_applied_is_no_loss(own_source: Stream) -> None:
    own_source.start()
    insert(own_source, 1, 4)
    own_source.sql("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    own_source.until_caught_up()
    until_at_the_end(own_source)
    own_source.stop()
    purge_to(own_source.source, newest(own_source.source))

    own_source.start()
    insert(own_source, 4, 6)

    eventually(lambda: own_source.documents("items") == own_source.rows("items"))
    assert own_source.daemon.events("history_not_proved")


def until_at_the_end(stream: Stream) -> None:
    """Wait until a file position is in the last file; GTIDs are behind all of them already."""
    *_, (last, *_) = stream.source.execute("SHOW BINARY LOGS")

    def there() -> bool:
        state = stream.state_document()
        assert state is not None
        return bool(state["position"].get("file", last) == last)

    eventually(there)


def test_an_upgraded_state_gets_a_witness_at_its_first_start(own_source: Stream) -> None:
    own_source.start()
    insert(own_source, 1, 8)
    own_source.until_caught_up()
    own_source.stop()
    own_source.state["streams"].update_one({"_id": own_source.name}, {"$unset": {"witness": ""}})
    own_source.start()
    own_source.until_streaming()
    own_source.stop()
    assert own_source.daemon.events("history_trusted")
    reset(own_source)
    insert(own_source, 100, 130, "in another history")

    diverged(own_source.start())


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
@GTIDS
def test_position_and_witness_are_of_the_same_transaction_whenever_it_dies(
    own_source: Stream, point: str
) -> None:
    own_source.settings["apply"] = {"batch_rows": 1}
    insert(own_source, 1, 8)

    for batch in (2, 3):
        own_source.start(fault=f"{point}:{batch}").wait()

        assert last_gtid(own_source) == witnessed(own_source)
    own_source.start()
    own_source.settle()
    assert last_gtid(own_source) == witnessed(own_source)


def last_gtid(stream: Stream) -> int:
    state = stream.state_document()
    assert state is not None
    [(_, text)] = state["position"].items()
    return int(text.rpartition("-")[2] if "-" in text.rpartition(":")[2] else text.split(":")[-1])


def witnessed(stream: Stream) -> int:
    """The number in the witness's GTID event, as MySQL and as MariaDB write it."""
    state = stream.state_document()
    assert state is not None
    event = state["witness"]["event"]
    at = 19 if stream.source.flavour == "mariadb" else 36
    return int.from_bytes(event[at : at + 8], "little")


# -- MariaDB: what a log does not hold, and domains that are no more


@pytest.fixture
def two(
    mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> Iterator[tuple[Stream, MySQLServer]]:
    """A stream from one MariaDB, and another that can replicate it."""
    with ExitStack() as stack:
        old, new = (
            stack.enter_context(mysql_server("mariadb", options=["--log-slave-updates"]))
            for _ in range(2)
        )
        stream = make_stream(old, mongo, client, KINDS["mariadb-gtid"][1])
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        yield stream, new
        stream.close()
        old.kill()
        new.kill()


def made_from_a_backup(stream: Stream, new: MySQLServer) -> None:
    """Give `new` the rows of the stream's source, as they are, and have it replicate what follows.

    Its binlog is empty, as that of a replica made by mariadb-backup or from a dump.
    """
    old = stream.source
    [(position,)] = old.execute("SELECT @@GLOBAL.gtid_binlog_pos")
    with new.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {stream.schema}")
        cursor.execute(
            f"CREATE TABLE {stream.schema}.items (id INT NOT NULL PRIMARY KEY, word VARCHAR(20))"
        )
        for number, row in stream.rows("items").items():
            cursor.execute(
                f"INSERT INTO {stream.schema}.items VALUES (%s, %s)", (number, row["word"])
            )
        cursor.execute(reset_logs(new))
        cursor.execute(f"SET GLOBAL gtid_slave_pos = '{position}'")
        cursor.execute(change_source(new, old))
        cursor.execute(start_replica(new))


def until_replicated(stream: Stream, new: MySQLServer) -> None:
    statement = f"SELECT id FROM {stream.schema}.items ORDER BY id"
    eventually(lambda: new.execute(statement) == stream.source.execute(statement))


def move(stream: Stream, new: MySQLServer) -> None:
    stream.source = new
    stream.settings["source"] |= {
        "host": new.host,
        "port": new.port,
        "user": new.user,
        "password": new.password,
    }


@pytest.mark.parametrize("replicated", [0, 3])
def test_a_replica_made_from_a_later_backup_lacks_what_is_in_between(
    two: tuple[Stream, MySQLServer], replicated: int
) -> None:
    stream, new = two
    stream.start()
    insert(stream, 1, 5)
    stream.until_caught_up()
    stream.stop()
    insert(stream, 5, 10, "never read")
    made_from_a_backup(stream, new)
    insert(stream, 10, 10 + replicated)
    until_replicated(stream, new)
    move(stream, new)

    said = diverged(stream.start(), "PositionPurged")

    assert stream.documents("items").keys() == {1, 2, 3, 4}
    assert_check_says(stream, said)


@pytest.mark.parametrize("replicated", [0, 3])
def test_a_replica_made_from_a_backup_of_just_then_is_gone_on_with(
    two: tuple[Stream, MySQLServer], replicated: int
) -> None:
    stream, new = two
    stream.start()
    insert(stream, 1, 5)
    stream.until_caught_up()
    stream.stop()
    made_from_a_backup(stream, new)
    insert(stream, 10, 10 + replicated)
    until_replicated(stream, new)
    move(stream, new)

    stream.start()
    stream.until_streaming()
    assert Command(stream, "check").returncode == 0
    new.execute(stop_replica(new))
    insert(stream, 20, 23, "on the new one")

    eventually(lambda: stream.documents("items") == stream.rows("items"))


def delete_a_domain(stream: Stream) -> None:
    """Use a domain once; purge its transaction, and have the source forget it."""
    stream.sql("SET gtid_domain_id = 7", "INSERT INTO items VALUES (77, 'in another domain')")
    stream.sql("FLUSH BINARY LOGS")
    purge(stream.source)
    stream.sql("FLUSH BINARY LOGS DELETE_DOMAIN_ID=(7)")


@pytest.mark.parametrize("own_source", ["mariadb-gtid"], indirect=True)
@pytest.mark.parametrize("start", ["backfill", "now", "earliest"])
def test_a_domain_that_was_deleted_is_nothing_that_a_new_stream_lacks(
    own_source: Stream, start: str
) -> None:
    delete_a_domain(own_source)
    own_source.settings["start"] = start

    own_source.start()
    own_source.until_streaming()
    assert Command(own_source, "check").returncode == 0
    insert(own_source, 1, 4)

    expected = own_source.rows("items")
    if start != "backfill":
        del expected[77]
    eventually(lambda: own_source.documents("items") == expected)
    own_source.restart()
    own_source.until_streaming()


@pytest.mark.parametrize("own_source", ["mariadb-gtid"], indirect=True)
def test_a_domain_that_is_deleted_once_it_was_applied_is_no_loss(own_source: Stream) -> None:
    own_source.start()
    own_source.sql("SET gtid_domain_id = 7", "INSERT INTO items VALUES (77, 'read')")
    own_source.sql("FLUSH BINARY LOGS")
    insert(own_source, 1, 4)
    own_source.until_caught_up()
    own_source.stop()
    last = newest(own_source.source)
    own_source.sql("FLUSH BINARY LOGS")
    purge_to(own_source.source, last)
    own_source.sql("FLUSH BINARY LOGS DELETE_DOMAIN_ID=(7)")

    own_source.start()
    insert(own_source, 4, 6)

    eventually(lambda: own_source.documents("items") == own_source.rows("items"))


@pytest.mark.parametrize("own_source", ["mariadb-gtid"], indirect=True)
def test_a_domain_whose_transactions_were_never_read_is_a_loss_though_it_was_deleted(
    own_source: Stream,
) -> None:
    own_source.start()
    insert(own_source, 1, 4)
    own_source.until_caught_up()
    own_source.stop()
    delete_a_domain(own_source)

    diverged(own_source.start(), "PositionPurged")
