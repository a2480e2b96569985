"""A change has one name on every host, though hosts cut rows events differently."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, mysql_server
from tests.end_to_end.support.row_history import COLUMNS, MAPPING, Recorder, assert_kept, history
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.replicas import Pair, follow
from tests.support.unsynced import UNSYNCED

ROWS = 80


@pytest.fixture(params=["mysql", "mariadb"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A primary, and a replica whose rows events are smaller."""
    flavour = request.param
    options = [*UNSYNCED, *(["--log-slave-updates"] if flavour == "mariadb" else [])]
    smaller = [*options, "--binlog-row-event-max-size=1024"]
    with (
        mysql_server(flavour, options=options) as primary,
        mysql_server(flavour, options=smaller) as replica,
    ):
        follow(primary, replica)
        yield Pair(primary, replica)
        for server in (primary, replica):
            server.kill()


@pytest.fixture
def orders(
    request: pytest.FixtureRequest,
    pair: Pair,
    mongo: MongoServer,
    client: MongoClient[Document],
    make_stream: MakeStream,
) -> Stream:
    stream = make_stream(pair.primary, mongo, client, KINDS[f"{pair.primary.flavour}-gtid"][1])
    stream.settings["apply"] = {"transaction_bytes": 3_000, "batch_rows": 1}
    stream.named_hosts(pair.primary)
    stream.table("orders", COLUMNS, MAPPING)
    return stream


def test_a_transaction_of_which_a_part_is_kept_goes_on_at_another_host(
    orders: Stream, pair: Pair
) -> None:
    recorder = Recorder(orders)
    rows = ",".join(f"({n}, {n}, REPEAT('x', 200), 'note', 0, '')" for n in range(ROWS))
    recorder.transaction(
        f"INSERT INTO orders VALUES {rows}",
        "UPDATE orders SET secret = 'unseen' WHERE id % 2",
        "UPDATE orders SET number = number + id",
    )
    assert orders.start(fault="after_commit:2").wait() == -9
    state = orders.state_document()
    assert state is not None
    before = len(history(orders))
    assert 0 < before < ROWS
    assert state["inflight"]["rows"] == [{"table": f"{orders.schema}.orders", "rows": before}]

    pair.replicated()
    orders.settings["source"]["hosts"] = [f"{pair.replica.host}:{pair.replica.port}"]
    orders.start(ledger=False)
    orders.until_caught_up()

    assert_kept(orders, recorder)


def test_a_statement_that_takes_long_has_one_name_on_both_hosts(orders: Stream, pair: Pair) -> None:
    rows = ",".join(f"({n}, {n}, REPEAT('x', 200), 'note', 0, '')" for n in range(ROWS))
    orders.sql("CREATE TABLE base LIKE orders", f"INSERT INTO base VALUES {rows}")
    slowly = "SELECT id, nr, word, note, SLEEP(0.02), secret FROM base"  # MariaDB dates by seconds
    orders.sql(f"INSERT INTO orders {slowly}")
    assert orders.start(fault="after_commit:2").wait() == -9
    kept = len(history(orders))
    assert 0 < kept < ROWS

    pair.replicated()
    orders.settings["source"]["hosts"] = [f"{pair.replica.host}:{pair.replica.port}"]
    orders.start(ledger=False)
    orders.until_caught_up()

    assert [each["keys"] for each in history(orders)] == [[n] for n in range(ROWS)]
