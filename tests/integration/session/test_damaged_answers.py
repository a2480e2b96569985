"""Whatever happens to an answer of the source, it is asked again, or the reader stops by name.

A whole session is recorded: the packets that the source sends from the login to the last event.
Then each of them in turn is cut off, or damaged, as a broken link or a failing box would.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from cdc.config import SourceConfig
from cdc.errors import CdcError, Fatal
from cdc.model.checkpoint import Checkpoint
from cdc.model.transaction import RowsEvent
from cdc.preflight.followed_tables import followed_tables
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.server import heartbeat_writer, status
from cdc.readers.server.catalog import list_tables
from cdc.readers.server.connection import asking
from cdc.readers.server.facts import fetch_source_facts, table_facts
from cdc.retry import Backoff
from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.proxy import Proxy, unchanged
from tests.integration.chunks.support.reading import executed
from tests.integration.mapping.support.binlog import config
from tests.integration.session.support.damaging import FRAMING, OnePacket, damages, unharmed
from tests.support.runs import one_by_one

NEVER = -1
ROWS = 3
WAIT_SECONDS = 0.4
"""How long an answer may take here; a length that became longer is waited for."""
ENDS_SECONDS = 20

Rows = list[bytes]


@pytest.fixture
def proxy(source: MySQLServer) -> Iterator[Proxy]:
    with Proxy(source.port) as proxy:
        yield proxy


@pytest.fixture
def settings(source: MySQLServer, schema: str, proxy: Proxy) -> SourceConfig:
    """Through the proxy, with little patience."""
    source.execute(heartbeat_writer.definition(f"{schema}.heart"))
    return config(source).model_copy(
        update={
            "port": proxy.port,
            "heartbeat_seconds": 0.1,
            "heartbeat_table": f"{schema}.heart",
        }
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (
        "cdc.readers.binlog.accepted_host",
        "cdc.readers.binlog.reader",
        "cdc.readers.select.chunk_reader",
        "cdc.readers.server.status",
        "cdc.readers.server.heartbeat_writer",
        "cdc.readers.binlog.start_position",
    ):
        monkeypatch.setattr(f"{module}.QUERY_SECONDS", WAIT_SECONDS)
    monkeypatch.setattr("cdc.readers.binlog.reader.Backoff", partial(Backoff, first_seconds=0.01))


def read(settings: SourceConfig, schema: str, begin: Checkpoint) -> tuple[Rows, CdcError | None]:
    """The rows that are read until all are, and what the reader stopped with."""
    reader = BinlogReader(settings, follows=lambda one, _: one == schema, transaction_bytes=1 << 20)
    late = threading.Timer(ENDS_SECONDS, reader.stop)
    late.start()
    found: Rows = []
    try:
        for transaction in one_by_one(reader.transactions(begin)):
            found += [each.images for each in transaction.changes if isinstance(each, RowsEvent)]
            if len(found) == ROWS:
                reader.stop()
    except CdcError as error:
        return found, error
    finally:
        late.cancel()
    return found, None


@pytest.mark.slow
def test_a_reader_whose_link_is_damaged_reads_right_or_stops_by_name(
    source: MySQLServer, schema: str, proxy: Proxy, settings: SourceConfig, budget: int
) -> None:
    """One packet in two is damaged in one way; with `--budget 16` every packet in every way."""
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, word VARCHAR(20))")
    begin = resolve_start(settings, "now")
    for number in range(ROWS):
        source.execute(f"INSERT INTO {schema}.t VALUES ({number}, 'word {number}')")
    proxy.replies = recording = OnePacket(NEVER, unharmed)
    right, error = read(settings, schema, begin)
    assert error is None
    assert len(right) == ROWS

    stops, damaged = {}, list(damages(recording.telling, budget))
    for number, kind, damage in damaged:
        proxy.replies = OnePacket(number, damage)
        found, error = read(settings, schema, begin)

        assert found == right[: len(found)], (number, kind)
        assert error is not None or found == right, (number, kind)
        if error is not None:
            assert isinstance(error, Fatal), (number, kind, error)
            stops[number, kind] = error.message
    assert len(stops) < len(damaged) // 3, stops


@pytest.mark.slow
def test_a_question_whose_answer_is_damaged_raises_an_error_of_cdc(
    source: MySQLServer, schema: str, proxy: Proxy, settings: SourceConfig, budget: int
) -> None:
    """Where the stream begins, a look, what is judged, a beat; as many packets as above."""
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, word VARCHAR(20))")

    def ask() -> None:
        resolve_start(settings, "now")
        status.fetch(settings)
        heartbeat_writer.write_heartbeat(settings, "asker")
        with asking(settings, read_timeout=WAIT_SECONDS) as connection:
            fetch_source_facts(connection)
            table_facts(connection, schema, "t")
            followed_tables([f"{schema}.*"], lambda: list_tables(connection))

    proxy.replies = recording = OnePacket(NEVER, unharmed)
    ask()

    for number, _, damage in damages(recording.telling, budget):
        proxy.replies = OnePacket(number, damage)
        with contextlib.suppress(CdcError):  # and nothing else
            ask()
    proxy.replies = unchanged
    ask()


@pytest.mark.slow
def test_a_chunk_whose_packets_do_not_fit_together_is_read_again(
    source: MySQLServer, schema: str, proxy: Proxy, settings: SourceConfig, budget: int
) -> None:
    """As many packets as above. Of a row's values only TLS can tell that they were damaged."""
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, word VARCHAR(20))")
    source.execute(f"INSERT INTO {schema}.t VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    reader, applied = ChunkReader(settings), executed(source)

    def ask() -> bytes:
        table = reader.open(schema, "t")
        chunk = reader.read(table, after=None, until=None, limit=10, applied=applied)
        reader.close()
        return chunk.event.images

    proxy.replies = recording = OnePacket(NEVER, unharmed)
    right = ask()

    for number, kind, damage in damages(recording.telling, budget):
        proxy.replies = OnePacket(number, damage)
        with contextlib.suppress(CdcError):  # and nothing else
            found = ask()
            assert found == right or kind not in FRAMING, (number, kind)
    proxy.replies = unchanged
    assert ask() == right
