"""A stream that may read any of several hosts, and moves among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.binlogs import purge
from tests.support.replicas import Pair
from tests.support.replicas import pair as started
from tests.support.waiting import eventually

HALTED = 4
USAGE = 2
NOWHERE = "127.0.0.1:1"
BEAT = "CREATE TABLE beat (stream VARCHAR(63) PRIMARY KEY, beat_at DATETIME(6) NOT NULL)"


@pytest.fixture(params=["mysql", "mariadb"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with started(request.param) as pair:
        yield pair


@pytest.fixture
def stream(
    pair: Pair, mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> Iterator[Stream]:
    """A stream from the pair, the primary first, with a table `items`."""
    stream = make_stream(pair.primary, mongo, client, KINDS[f"{pair.primary.flavour}-gtid"][1])
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    stream.named_hosts(pair.primary, pair.replica)
    pair.replicated()
    yield stream
    stream.close()


def named(server: MySQLServer) -> str:
    return f"{server.host}:{server.port}"


def insert(stream: Stream, *words: str) -> None:
    stream.sql(*[f"INSERT INTO items (word) VALUES ('{word}')" for word in words])


def promote(stream: Stream, pair: Pair) -> None:
    """The primary is dead: the replica takes its place."""
    pair.detach()
    stream.source = pair.replica


def arrived(stream: Stream) -> Callable[[], bool]:
    return lambda: stream.documents("items") == stream.rows("items")


def test_the_stream_goes_on_from_the_next_host_when_its_own_dies(
    stream: Stream, pair: Pair
) -> None:
    daemon = stream.start()
    insert(stream, *map(str, range(20)))
    stream.until_caught_up()
    pair.replicated()
    committed = stream.history.committed()
    pair.primary.kill()
    promote(stream, pair)
    insert(stream, "on the next one")

    eventually(arrived(stream), waiting_for="the rows of the next host")

    ledger = stream.ledger()
    assert len(ledger) == len(set(ledger)) == len(committed) + 1
    assert [each["host"] for each in daemon.events("source_connected")] == [
        named(pair.primary),
        named(pair.replica),
    ]
    refused = daemon.events("source_host_refused")
    assert {each["host"] for each in refused} == {named(pair.primary)}
    assert not daemon.events("history_not_proved")


def test_the_stream_waits_while_a_replica_lags_and_the_primary_is_away(
    stream: Stream, pair: Pair
) -> None:
    daemon = stream.start()
    insert(stream, "replicated")
    stream.until_caught_up()
    pair.replicated()
    pair.detach()
    insert(stream, "not replicated")
    stream.until_caught_up()
    pair.primary.kill()

    lost = daemon.until_logged("source_lost", 3)
    assert f"{named(pair.replica)}: it lags" in lost["error"]
    assert f"{named(pair.primary)}: " in lost["error"]
    pair.primary.start()
    insert(stream, "again")

    stream.settle()
    assert {each["host"] for each in daemon.events("source_connected")} == {named(pair.primary)}


def test_the_stream_stops_where_all_hosts_have_purged_what_follows(
    stream: Stream, pair: Pair
) -> None:
    stream.start()
    insert(stream, "read")
    stream.until_caught_up()
    stream.stop()
    insert(stream, "purged")
    pair.replicated()
    purge(pair.primary)
    purge(pair.replica)

    daemon = stream.start()

    assert daemon.wait() == HALTED, daemon.stderr
    [said] = [each for each in daemon.events("stopped") if each.get("exit_code") == HALTED]
    assert said["error"] == "PositionPurged"
    assert named(pair.primary) in said["message"]
    assert named(pair.replica) in said["message"]
    check = cdc(stream, "check")
    assert check.returncode == 3, check.stdout
    for server in (pair.primary, pair.replica):
        assert f"unfit       {named(server)} position: " in check.stdout


def test_a_replica_is_read_and_the_primary_gets_the_heartbeats(stream: Stream, pair: Pair) -> None:
    stream.sql(BEAT)
    stream.follow("beat")
    pair.replicated()
    pair.replica.execute("SET GLOBAL read_only = 1")
    source = stream.settings["source"]
    source.update(prefer_read_only=True, heartbeat_table=f"{stream.schema}.beat")
    daemon = stream.start()
    insert(stream, "through the replica")

    eventually(arrived(stream))

    assert daemon.until_logged("source_connected")["host"] == named(pair.replica)
    first = eventually(lambda: stream.documents("beat"))
    eventually(lambda: stream.documents("beat") != first, waiting_for="another heartbeat")
    assert not daemon.events("heartbeat_failed")
    status = json.loads(cdc(stream, "status", "--output", "json").stdout)
    assert status["source"]["host"] == named(pair.replica)


def test_a_copy_goes_on_where_the_stream_does(stream: Stream, pair: Pair) -> None:
    """Its chunks are read on the host of the stream; those of the dead one are read again."""
    stream.sql(
        "CREATE TABLE numbers (id INT NOT NULL PRIMARY KEY, word VARCHAR(20))",
        "SET SESSION cte_max_recursion_depth = 100000"
        if pair.primary.flavour == "mysql"
        else "SET SESSION max_recursive_iterations = 100000",
        "INSERT INTO numbers WITH RECURSIVE n (i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, 'old' FROM n",
    )
    stream.follow("numbers")
    pair.replicated()
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 100, "rows_per_second": 600}
    daemon = stream.start(ledger=False)
    eventually(lambda: len(stream.documents("numbers")) > 300)
    pair.replicated()
    pair.primary.kill()
    promote(stream, pair)
    stream.sql(
        "UPDATE numbers SET word = 'new' WHERE id % 7 = 0", "DELETE FROM numbers WHERE id % 11 = 0"
    )

    eventually(lambda: len(daemon.events("job_done")) == 2, waiting_for="both copies")

    eventually(lambda: stream.documents("numbers") == stream.rows("numbers"))
    assert len(stream.documents("numbers")) == 3000 - 3000 // 11


def test_check_tells_of_each_host_and_one_fit_host_is_enough(stream: Stream, pair: Pair) -> None:
    pair.replica.execute("SET GLOBAL binlog_row_image = MINIMAL")
    stream.settings["source"]["hosts"].append(NOWHERE)
    stream.configure()

    check = cdc(stream, "check")

    assert check.returncode == 0, check.stdout
    replica = f"warning     {named(pair.replica)} binlog_row_image: is MINIMAL, and must be FULL"
    assert replica in check.stdout
    assert f"ok          {named(pair.primary)} binlog_row_image: FULL" in check.stdout
    assert f"warning     {NOWHERE} source: " in check.stdout
    daemon = stream.start()
    stream.until_streaming()
    insert(stream, "read")
    eventually(arrived(stream))
    pair.primary.kill()
    lost = daemon.until_logged("source_lost", 2)
    assert f"{named(pair.replica)}: binlog_row_image: is MINIMAL" in lost["error"]


@pytest.mark.parametrize("pair", ["mariadb"], indirect=True)
def test_a_file_position_is_bound_to_its_host(
    pair: Pair, mongo: MongoServer, client: MongoClient[Document], make_stream: MakeStream
) -> None:
    stream = make_stream(pair.primary, mongo, client, KINDS["mariadb-file"][1])
    stream.table("items", "id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, word VARCHAR(20)")
    stream.start()
    insert(stream, "read")
    stream.until_caught_up()
    stream.stop()
    stream.named_hosts(pair.primary, NOWHERE)
    stream.settings["start"] = "now"

    daemon = stream.start()

    assert daemon.wait() == USAGE, daemon.stderr
    assert "a file of one of them" in daemon.stderr
    check = cdc(stream, "check")
    assert check.returncode == USAGE, check.stdout
    assert "wrong       position: source.hosts has 2 hosts" in check.stdout
    told = cdc(stream, *["position", "set", "--start", "now", "--resync", "--yes"])
    assert told.returncode == 0, told.stderr
    stream.start(ledger=False)
    insert(stream, "by GTIDs")
    eventually(arrived(stream))
    stream.close()
