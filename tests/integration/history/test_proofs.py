"""The last transaction that was applied is looked up again in the log of a real server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing

import pytest
from pydantic import SecretStr

from cdc.errors import SourceDiverged
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import FilePosition
from cdc.model.witness import Witness
from cdc.readers.binlog.history.proof import Continued
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.server.driver_errors import AccessDenied
from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.proxy import Link, Proxy
from tests.integration.history.support.looking import continued
from tests.integration.session.support.damaging import flipped
from tests.support.features import COMPRESSION, TAGGED_GTIDS, Feature, require
from tests.support.logins import login
from tests.support.waiting import eventually

ELSEWHERE = "another server"
BEFORE_EVERY_FILE = "binlog.000000"

MYSQL_TIME_AT = 61
"""Where a GTID event of MySQL tells the time of the commit."""

Edit = Callable[[Witness], Witness]


def applied(server: MySQLServer, schema: str, *session: str, change: str = "") -> Checkpoint:
    """Commit a transaction, in a session set up so, and read it; return what would be saved.

    It is of a later second than its file: MariaDB dates by these.
    """
    witness = resolve_start(login(server), "now").witness
    assert witness is not None
    created = witness.created
    eventually(lambda: server.execute("SELECT UNIX_TIMESTAMP()")[0][0] > created)
    return committed(server, schema, *session, change=change)


def committed(server: MySQLServer, schema: str, *session: str, change: str = "") -> Checkpoint:
    settings = login(server)
    begin = resolve_start(settings, "now")
    with server.connect(schema) as connection, connection.cursor() as cursor:
        for statement in session:
            cursor.execute(statement)
        cursor.execute(change or f"CREATE TABLE {schema}.noted (id INT)")
    reader = BinlogReader(settings, follows=lambda *_: False, transaction_bytes=1_000_000)
    with closing(reader.transactions(begin)) as transactions:  # type: ignore[type-var]
        return next(transactions).checkpoint


def edited(checkpoint: Checkpoint, edit: Edit) -> Checkpoint:
    assert checkpoint.witness is not None
    return checkpoint._replace(witness=edit(checkpoint.witness))


def elsewhere(witness: Witness) -> Witness:
    return witness._replace(server=ELSEWHERE)


def at_another_time(witness: Witness) -> Witness:
    """The same GTID, committed at another time: in MariaDB's header, in MySQL's last field."""
    event = bytearray(witness.event)
    at = MYSQL_TIME_AT if len(event) > MYSQL_TIME_AT else 0
    event[at] ^= 1
    return witness._replace(event=bytes(event))


def test_the_log_that_was_read_is_proved_at_its_place(source: MySQLServer, schema: str) -> None:
    checkpoint = applied(source, schema)

    found = continued(source, checkpoint)

    assert found == Continued(checkpoint.server, proved=True, strict=False)


def test_another_event_at_the_same_place_is_another_history(
    source: MySQLServer, schema: str
) -> None:
    checkpoint = edited(applied(source, schema), at_another_time)

    with pytest.raises(SourceDiverged):
        continued(source, checkpoint)


def test_the_same_gtid_with_another_time_is_another_transaction(
    source: MySQLServer, schema: str
) -> None:
    checkpoint = edited(applied(source, schema), at_another_time)
    checkpoint = edited(checkpoint, elsewhere)

    with pytest.raises(SourceDiverged, match="another transaction"):
        continued(source, checkpoint)


@pytest.mark.parametrize(
    "edit",
    [
        elsewhere,
        lambda witness: witness._replace(created=1),
        lambda witness: witness._replace(offset=witness.offset + 1),
        lambda witness: witness._replace(offset=1 << 31),
        lambda witness: witness._replace(file="binlog.900000"),
        lambda witness: witness._replace(file=BEFORE_EVERY_FILE),
        lambda witness: witness._replace(file="renamed.000001"),
        lambda witness: witness._replace(created=0, offset=0),
    ],
    ids=[
        "another server",
        "another file of the name",
        "no event there",
        "a shorter file",
        "no such file",
        "a purged file",
        "a log of another name",
        "a log without offsets",
    ],
)
def test_a_transaction_that_is_not_at_its_place_is_proved_by_its_gtid(
    source: MySQLServer, schema: str, edit: Edit
) -> None:
    checkpoint = edited(applied(source, schema), edit)

    assert continued(source, checkpoint).proved


def test_mariadb_proves_nothing_by_the_second_in_which_its_log_was_begun(
    mariadb: MySQLServer,
) -> None:
    """A RESET, and the same number given again in the same second, would look like this."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    mariadb.execute(f"CREATE DATABASE {schema}")

    def in_the_first_second() -> Checkpoint | None:
        mariadb.execute("FLUSH BINARY LOGS")
        found = committed(mariadb, schema, change=f"CREATE OR REPLACE TABLE {schema}.t (id INT)")
        witness = found.witness
        assert witness is not None
        return found if int.from_bytes(witness.event[:4], "little") == witness.created else None

    checkpoint = eventually(in_the_first_second)
    assert checkpoint is not None
    moved = edited(checkpoint, lambda witness: witness._replace(created=1))

    with pytest.raises(SourceDiverged):
        continued(mariadb, moved)
    mariadb.execute(f"DROP DATABASE {schema}")


@pytest.mark.parametrize("edit", [lambda witness: witness, elsewhere], ids=["place", "gtid"])
def test_a_transaction_in_flight_is_proved_though_the_position_is_before_it(
    source: MySQLServer, schema: str, edit: Edit
) -> None:
    before = applied(source, schema)
    behind = applied(source, schema, change=f"INSERT INTO {schema}.noted VALUES (1)")
    part = edited(behind._replace(position=before.position, inflight=Inflight("x", 1)), edit)

    assert continued(source, part).proved


@pytest.mark.parametrize("edit", [lambda witness: witness, elsewhere], ids=["place", "gtid"])
@pytest.mark.parametrize(
    ("feature", "setting"),
    [
        (TAGGED_GTIDS, "gtid_next = 'AUTOMATIC:tagged'"),
        (COMPRESSION, "binlog_transaction_compression = ON"),
    ],
    ids=["tagged", "compressed"],
)
def test_the_transactions_of_newer_servers_are_proved(
    mysql: MySQLServer, feature: Feature, setting: str, edit: Edit
) -> None:
    require(mysql, feature)
    schema = f"test_{uuid.uuid4().hex[:12]}"
    mysql.execute(f"CREATE DATABASE {schema}")
    mysql.execute(f"CREATE TABLE {schema}.items (id INT)")

    checkpoint = applied(
        mysql, schema, f"SET SESSION {setting}", change="INSERT INTO items VALUES (1)"
    )

    assert continued(mysql, edited(checkpoint, edit)).proved
    mysql.execute(f"DROP DATABASE {schema}")


@pytest.mark.parametrize("first", ["CRC32", "NONE"])
def test_checksums_that_come_or_go_change_no_history(
    source: MySQLServer, schema: str, first: str
) -> None:
    then = "NONE" if first == "CRC32" else "CRC32"
    source.execute(f"SET GLOBAL binlog_checksum = {first}")
    try:
        checkpoint = applied(source, schema)
        source.execute(f"SET GLOBAL binlog_checksum = {then}")

        found = [
            continued(source, edited(checkpoint, edit)) for edit in (Witness._replace, elsewhere)
        ]
    finally:
        source.execute("SET GLOBAL binlog_checksum = CRC32")

    assert [each.proved for each in found] == [True, True]


def test_of_a_file_too_large_for_the_protocol_only_the_time_of_its_creation_counts(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdc.readers.binlog.history.proof.MAX_DUMP_OFFSET", 100)
    checkpoint = edited(applied(source, schema), at_another_time)

    assert continued(source, checkpoint).proved
    anew = edited(checkpoint, lambda witness: witness._replace(created=1))
    with pytest.raises(SourceDiverged):
        continued(source, anew)


def test_a_stream_that_has_applied_nothing_knows_the_log_by_its_end(
    source: MySQLServer, schema: str
) -> None:
    checkpoint = resolve_start(login(source), "now")

    assert continued(source, checkpoint).proved
    anew = edited(checkpoint, lambda witness: witness._replace(created=witness.created + 1))
    with pytest.raises(SourceDiverged, match="created anew"):
        continued(source, anew)


def test_a_checkpoint_without_a_witness_proves_nothing(source: MySQLServer, schema: str) -> None:
    checkpoint = applied(source, schema)._replace(witness=None)

    assert not continued(source, checkpoint).proved


# -- the link to the server, and what it refuses


class DamagesOnce:
    """A filter of a proxy's replies that changes one bit of some bytes when they pass first."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self.done = False

    def __call__(self, data: bytes, _: Link) -> bytes:
        at = data.find(self._wanted)
        if self.done or at < 0:
            return data
        self.done = True
        return flipped(data, at, 0)


def test_a_byte_that_is_damaged_on_its_way_is_no_other_history(
    source: MySQLServer, schema: str
) -> None:
    """A file position has no GTID by which the transaction could be proved all the same."""
    witness = applied(source, schema).witness
    assert witness is not None
    here = FilePosition(witness.file, witness.offset, witness.created)
    damage = DamagesOnce(witness.event)
    with Proxy(source.port) as proxy:
        proxy.replies = damage
        settings = login(source).model_copy(update={"host": "127.0.0.1", "port": proxy.port})

        found = continued(source, Checkpoint(here, None, witness.server, witness), settings)

    assert damage.done
    assert found.proved


def test_an_account_that_may_not_read_the_log_is_told_so(source: MySQLServer, schema: str) -> None:
    checkpoint = applied(source, schema)
    source.execute(f"CREATE USER '{schema}' IDENTIFIED BY 'Secret-1'")
    source.execute(f"GRANT SELECT, REPLICATION CLIENT ON *.* TO '{schema}'")
    account = {"user": schema, "password": SecretStr("Secret-1")}

    with pytest.raises(AccessDenied):
        continued(source, checkpoint, login(source).model_copy(update=account))
    source.execute(f"DROP USER '{schema}'")
