"""Events of real servers, cut short and changed: the project's own errors, never another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import CdcError, Corrupted
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.plan import Plan
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.types import charsets
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import FailedRow
from cdc.model.transaction import RowsEvent, Transaction
from cdc.readers.binlog import events, payloads, rows
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.examined import Examined
from tests.integration.mapping.support.kinds import JSONS, KINDS, Kind
from tests.integration.mapping.support.random_tables import fill
from tests.integration.mapping.support.raw_events import cut, group, recorded, unchecked
from tests.support.campaigns import campaign
from tests.support.features import COMPRESSION, TAGGED_GTIDS, has, require

DAMAGED_STREAMS = 200
CUTS = 40
"""At how many places an event is cut short, at most."""
MARKER = b"the_end_of_the_recording"
SCHEMA = "damaged"


def columns(server: MySQLServer) -> list[Kind]:
    """A kind of each way in which a column lies in an image or in a table map."""
    wanted = (
        *("TINYINT", "MEDIUMINT UNSIGNED", "BIGINT UNSIGNED", "DECIMAL(12,2)", "DECIMAL(65,30)"),
        *("FLOAT", "DOUBLE", "DATE", "DATETIME(6)", "TIMESTAMP(3) NULL", "TIME(6)", "TIME(0)"),
        *("YEAR", "CHAR(255) CHARACTER SET utf8mb4", "VARCHAR(20) CHARACTER SET latin1"),
        *("VARCHAR(2000) CHARACTER SET utf8mb4", "TEXT CHARACTER SET utf8mb4", "BINARY(16)"),
        *("MEDIUMBLOB", "BIT(1)", "BIT(33)", "JSON", "GEOMETRY", "VECTOR(5)", "TEXT COMPRESSED"),
        *("VARBINARY(2000) COMPRESSED", "INET6", "UUID"),
    )
    had = [kind for kind in KINDS if kind.is_of(server)]
    found = {kind.sql: kind for kind in had if kind.type is None or kind in JSONS}
    enumerated = [kind for kind in had if kind.sql.startswith(("ENUM('a', 'ü'", "SET('a', 'ü'"))]
    return [found[sql] for sql in wanted if sql in found] + enumerated


def workload(server: MySQLServer, session: str) -> None:
    table = f"{SCHEMA}.t"
    kinds = columns(server)
    rows = [[kind.limits[at % len(kind.limits)] for kind in kinds] for at in range(3)]
    small = [[None if len(str(one)) > 200 else one for one in row] for row in rows]
    fill(server, table, kinds, [*small, [None] * len(kinds)])
    with closing(server.connect(SCHEMA)) as connection, connection.cursor() as cursor:
        cursor.execute(session)
        cursor.execute("UPDATE t SET c0 = 1, c5 = 2")
        cursor.execute("DELETE FROM t WHERE id = 1")
        cursor.execute("CREATE TABLE j (id INT PRIMARY KEY, j JSON, t TEXT)")
        cursor.execute("""INSERT INTO j VALUES (1, '{"a": [1, "x"], "b": {}}', REPEAT('x', 300))""")
        cursor.execute("UPDATE j SET j = JSON_SET(j, '$.a[0]', 2, '$.c', 'y')")
        cursor.execute("BEGIN")
        cursor.execute("SAVEPOINT s")
        cursor.execute("INSERT INTO j VALUES (3, '[]', NULL)")
        cursor.execute("ROLLBACK TO s")
        cursor.execute("DELETE FROM j")
        cursor.execute("COMMIT")
        cursor.execute("DROP TABLE j")
        if server.flavour == "mariadb":
            cursor.execute("SET GLOBAL log_bin_compress = OFF")
        cursor.execute(f"CREATE TABLE {MARKER.decode()} (id INT)")


PARTIAL = "SET SESSION binlog_row_value_options = PARTIAL_JSON"
COMPRESSED = "SET SESSION binlog_transaction_compression = ON"
SESSIONS = {
    "mysql": [PARTIAL, COMPRESSED],
    "mariadb": ["DO 1", "SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10"],
}
"""What the recordings differ in: row events of either version, and compressed ones."""


@dataclass(frozen=True)
class Recording:
    """Events without checksums, from `start` on."""

    start: Checkpoint
    checked: list[bytes]
    events: list[bytes]
    mariadb: bool


@pytest.fixture(params=[0, 1], ids=["plain", "compressed"])
def recording(source: MySQLServer, request: pytest.FixtureRequest) -> Recording:
    source.execute(f"DROP DATABASE IF EXISTS {SCHEMA}")
    source.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
    session = SESSIONS[source.flavour][request.param]
    if session == COMPRESSED:
        require(source, COMPRESSION)
    if session == PARTIAL and has(source, TAGGED_GTIDS):
        session += ", gtid_next = 'AUTOMATIC:tag'"
    start, found = recorded(source, lambda: workload(source, session), MARKER)
    assert {data[4] for data in found} & (rows.KINDS.keys() | {EventType.TRANSACTION_PAYLOAD})
    return Recording(start, found, [unchecked(one) for one in found], source.flavour == "mariadb")


class Reader:
    """Reads events up to the documents that come of them; keeps plans of sound table maps."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._plans: dict[object, Plan] = {}

    def read(self, stream: list[bytes]) -> int:
        """Read a stream that may be damaged; the number of documents."""
        recording = self._recording
        tables = TableMapCache(lambda schema, _: schema == SCHEMA, _decoded, recording.mariadb)
        assembler = TransactionAssembler(recording.start, tables=tables, transaction_bytes=2000)
        return sum(
            self._documents(change)
            for data in stream
            for transaction in self._transactions(assembler, data)
            for change in transaction.changes
            if isinstance(change, RowsEvent)
        )

    @staticmethod
    def _transactions(assembler: TransactionAssembler, data: bytes) -> Iterator[Transaction]:
        event = events.parse(data, checksum=False)
        if (found := assembler.feed(event)) is not None:
            yield found
        elif event.type == EventType.TRANSACTION_PAYLOAD:
            for inner in payloads.unpack(event):
                if (found := assembler.feed(inner, inside_payload=True)) is not None:
                    yield found

    def _documents(self, event: RowsEvent) -> int:
        failed: list[FailedRow] = []
        rule = Mapping.model_validate({"source": event.table.name, "target": "t"})
        plan = compile_plan(rule, event.table)
        operations = plan.operations(event, 0, failed.append)
        documents = [one.document for one in operations] + [one.document for one in failed]
        for document in filter(None, documents):
            bson.decode(document)
        return len(operations)


def _decoded(raw: bytes, collation: int) -> str:
    found = charsets.decoder(charsets.charset(collation) or "utf8mb4")
    assert found is not None
    return found[0](raw)


@st.composite
def damages(draw: st.DrawFn, count: int) -> tuple[int, list[tuple[float, int]], float | None]:
    """Which event is damaged, which of its bytes become what, and how much of it is left."""
    changes = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))
    return (
        draw(st.integers(0, count - 1)),
        draw(st.lists(changes, min_size=1, max_size=4)),
        draw(st.none() | st.floats(0, 1, exclude_max=True)),
    )


def damaged(data: bytes, changes: list[tuple[float, int]], left: float | None) -> bytes:
    changed = bytearray(data)
    for where, byte in changes:
        at = int(where * len(data))
        changed[at] = byte if changed[at] != byte else byte ^ 1
    return bytes(changed) if left is None else cut(bytes(changed), int(left * len(data)))


@pytest.mark.slow
def test_changed_events_raise_the_projects_errors_or_give_bson(
    recording: Recording, budget: int, source: MySQLServer, examined: Examined
) -> None:
    reader = Reader(recording)
    assert reader.read(recording.events) > 10

    @campaign(DAMAGED_STREAMS, budget)
    @given(damages(len(recording.events)))
    def check(damage: tuple[int, list[tuple[float, int]], float | None]) -> None:
        number, changes, left = damage
        stream = recording.events[group(recording.events, number) :]
        at = len(stream) - len(recording.events) + number
        stream[at] = damaged(stream[at], changes, left)
        with suppress(CdcError):
            reader.read(stream[: at + 5])

    check()
    examined(source.flavour, "damaged streams of events", DAMAGED_STREAMS * budget)


@pytest.mark.slow
def test_events_cut_short_anywhere_raise_the_projects_errors(recording: Recording) -> None:
    reader = Reader(recording)

    for number, data in enumerate(recording.events):
        before = recording.events[group(recording.events, number) : number]
        for end in range(0, len(data), max(1, len(data) // CUTS)):
            with suppress(CdcError):
                reader.read([*before, cut(data, end)])


def test_checksums_tell_every_damage_of_a_byte(recording: Recording) -> None:
    for data in recording.checked:
        for at in range(0, len(data), max(1, len(data) // CUTS)):
            changed = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            with pytest.raises(Corrupted):
                events.parse(changed, checksum=True)
