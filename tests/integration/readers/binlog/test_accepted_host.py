"""Which of a source's hosts a stream is read from: a primary and a replica of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from cdc.config import SourceConfig, TlsConfig
from cdc.errors import PositionPurged, Retryable, SourceDiverged, Unfit, UsageError
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition
from cdc.model.server_facts import SourceFacts
from cdc.readers.binlog.accepted_host import HostChooser
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.server.connection import close_connection
from cdc_sandbox.servers import MySQLServer
from tests.support.binlogs import purge
from tests.support.dialect import stop_applying
from tests.support.replicas import Pair, executed
from tests.support.replicas import pair as started
from tests.support.runs import one_by_one

pytestmark = pytest.mark.slow  # starts two servers of its own

NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def servers(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with started(request.param) as pair:
        pair.primary.execute("CREATE DATABASE app")
        pair.primary.execute("CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT)")
        pair.replicated()
        yield pair


@pytest.fixture
def pair(servers: Pair) -> Iterator[Pair]:
    """Both in step, before and after the test."""
    yield servers
    servers.replica.execute("SET GLOBAL read_only = 0")
    servers.primary.execute("SET GLOBAL read_only = 0")
    servers.attach()


def named(server: MySQLServer) -> str:
    return f"{server.host}:{server.port}"


def source(*hosts: MySQLServer | str, prefer_read_only: bool = False) -> SourceConfig:
    some = next(each for each in hosts if isinstance(each, MySQLServer))
    return SourceConfig(
        hosts=tuple(each if isinstance(each, str) else named(each) for each in hosts),
        prefer_read_only=prefer_read_only,
        user=some.user,
        password=SecretStr(some.password),
        tls=TlsConfig(mode="off"),
        server_id=1_700_027,
    )


def insert(server: MySQLServer) -> None:
    server.execute("INSERT INTO app.t VALUES (DEFAULT)")


def read(server: MySQLServer) -> Checkpoint:
    """Return the checkpoint behind a transaction that was read from the server."""
    alone = source(server)
    start = resolve_start(alone, "now")
    insert(server)
    reader = BinlogReader(alone, follows=lambda *_: False, transaction_bytes=1_000_000)
    with closing(reader.transactions(start)) as found:  # type: ignore[type-var]
        return next(one_by_one(found)).checkpoint


def accepted(config: SourceConfig, checkpoint: Checkpoint) -> str:
    return str(HostChooser(config).answering(checkpoint).address)


def test_the_first_host_that_has_the_position_is_taken(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    pair.replicated()

    assert accepted(source(pair.primary, pair.replica), checkpoint) == named(pair.primary)
    assert accepted(source(pair.replica, pair.primary), checkpoint) == named(pair.replica)


def test_a_host_that_is_away_is_passed_over_with_a_line_that_says_why(pair: Pair) -> None:
    checkpoint = read(pair.primary)

    with capture_logs() as logs:
        found = accepted(source(NOWHERE, pair.primary), checkpoint)

    assert found == named(pair.primary)
    [refused] = [each for each in logs if each["event"] == "source_host_refused"]
    assert refused["host"] == NOWHERE
    assert "cannot be reached" in refused["error"]


def test_a_read_only_host_is_preferred_if_that_is_asked_for(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    pair.replicated()
    both = source(pair.primary, pair.replica, prefer_read_only=True)
    pair.replica.execute("SET GLOBAL read_only = 1")

    assert accepted(both, checkpoint) == named(pair.replica)
    pair.replica.execute("SET GLOBAL read_only = 0")
    assert accepted(both, checkpoint) == named(pair.primary)


def test_a_replica_that_lags_is_waited_for_and_taken_once_it_has_the_position(pair: Pair) -> None:
    pair.detach()
    checkpoint = read(pair.primary)
    chooser = HostChooser(source(NOWHERE, pair.replica))

    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(Retryable, match="none of source\\.hosts can be used") as caught:
                chooser.answering(checkpoint)

    assert f"{named(pair.replica)}: it lags" in caught.value.message
    hosts = [each["host"] for each in logs if each["event"] == "source_host_refused"]
    assert hosts == [NOWHERE, named(pair.replica)]  # each once, as the reason is the same
    pair.attach()
    assert str(chooser.answering(checkpoint).address) == named(pair.replica)


def test_what_one_host_has_purged_another_still_shows(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    insert(pair.primary)
    pair.replicated()
    purge(pair.primary)

    assert accepted(source(pair.primary, pair.replica), checkpoint) == named(pair.replica)


def test_what_all_have_purged_stops_the_stream_for_good(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    insert(pair.primary)
    pair.replicated()
    purge(pair.primary)
    purge(pair.replica)

    with pytest.raises(PositionPurged) as caught:
        accepted(source(pair.primary, pair.replica), checkpoint)

    assert caught.value.message.count("purged binlogs that were not read") == 2
    assert "--start now --resync" in str(caught.value.remedy)
    with pytest.raises(Retryable, match="purged"):  # the third may have them
        accepted(source(pair.primary, NOWHERE, pair.replica), checkpoint)


def test_a_read_only_host_that_was_written_to_is_passed_over(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    pair.replicated()
    pair.detach()
    insert(pair.replica)
    pair.replica.execute("SET GLOBAL read_only = 1")
    own = executed(pair.replica)

    with capture_logs() as logs:
        found = accepted(source(pair.replica, pair.primary), checkpoint)

    assert found == named(pair.primary)
    [refused] = [each for each in logs if each["event"] == "source_host_refused"]
    assert "has committed" in refused["error"]
    assert refused["error"].split("has committed ")[1].split(" itself")[0] in own
    _forget_errant(pair)


def _forget_errant(pair: Pair) -> None:
    """Let the errant transaction reach both, so that they are in step again."""
    pair.replica.execute("SET GLOBAL read_only = 0")
    if pair.primary.flavour == "mariadb":
        [(own,)] = pair.replica.execute("SELECT @@GLOBAL.gtid_binlog_pos")
        sequence = int(str(own).rpartition("-")[2])
        with pair.primary.connect("app") as connection, connection.cursor() as cursor:
            server_id = str(own).split("-")[1]
            cursor.execute(f"SET server_id = {server_id}, gtid_seq_no = {sequence}")
            cursor.execute("INSERT INTO t VALUES (DEFAULT)")
        pair.replica.execute(f"SET GLOBAL gtid_slave_pos = '{own}'")
        return
    missing = pair.primary.execute(
        "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed)", (executed(pair.replica),)
    )
    with pair.primary.connect("app") as connection, connection.cursor() as cursor:
        cursor.execute(f"SET GTID_NEXT = '{missing[0][0]}'")
        cursor.execute("INSERT INTO t VALUES (DEFAULT)")


def test_a_former_primary_is_taken_again_once_its_transactions_were_read_elsewhere(
    pair: Pair,
) -> None:
    before = read(pair.primary)
    insert(pair.primary)
    pair.replicated()
    pair.primary.execute("SET GLOBAL read_only = 1")
    hosts = source(pair.primary, pair.replica)

    assert accepted(hosts, before) == named(pair.replica)
    reader = BinlogReader(hosts, follows=lambda *_: False, transaction_bytes=1_000_000)
    with closing(reader.transactions(before)) as found:  # type: ignore[type-var]
        behind = next(one_by_one(found)).checkpoint
    assert accepted(hosts, behind) == named(pair.primary)


def test_a_primary_that_lost_transactions_is_no_replica_that_lags(pair: Pair) -> None:
    pair.detach()
    checkpoint = read(pair.replica)

    with pytest.raises(Retryable):  # one host is away: it may return
        accepted(source(pair.primary, NOWHERE), checkpoint)
    with pytest.raises(SourceDiverged):
        accepted(source(pair.primary, f"localhost:{pair.primary.port}"), checkpoint)
    _forget_errant(pair)


def test_the_only_host_may_be_a_replica_that_lags(pair: Pair) -> None:
    pair.replicated()
    pair.replica.execute(stop_applying(pair.replica))
    checkpoint = read(pair.primary)
    only = source(pair.replica)

    with pytest.raises(Retryable, match="it lags: the checkpoint"):
        HostChooser(only).accepted(checkpoint)
    pair.detach()
    with pytest.raises(SourceDiverged):  # nobody sends it anything
        HostChooser(only).accepted(checkpoint)
    pair.attach()
    close_connection(HostChooser(only).accepted(checkpoint).connection)


def test_a_host_whose_settings_are_not_fit_is_passed_over(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    pair.replicated()

    judged: list[SourceFacts] = []

    def judge(facts: SourceFacts) -> None:
        judged.append(facts)
        if len(judged) == 1:
            raise Unfit("binlog_row_image: is MINIMAL, and must be FULL")

    chooser = HostChooser(source(pair.primary, pair.replica), judge)

    assert str(chooser.answering(checkpoint).address) == named(pair.replica)
    assert len(judged) == 2


def test_a_file_position_does_not_move_among_hosts(pair: Pair) -> None:
    checkpoint = Checkpoint(FilePosition("binlog.000001", 4))

    with pytest.raises(UsageError, match="a file of one of them"):
        accepted(source(pair.primary, pair.replica), checkpoint)


def test_a_host_that_cannot_continue_after_all_is_left_for_another(pair: Pair) -> None:
    """As MariaDB finds a hole in the midst of a dump."""
    checkpoint = read(pair.primary)
    pair.replicated()
    hosts = source(pair.primary, pair.replica)
    chooser = HostChooser(hosts)
    purged = PositionPurged("a hole", remedy="none")

    passing = chooser.pass_over(hosts.each_host()[0].address, checkpoint.position, purged)

    assert isinstance(passing, Retryable)
    assert str(chooser.answering(checkpoint).address) == named(pair.replica)
    insert(pair.primary)
    pair.replicated()
    behind = read(pair.primary)
    pair.replicated()
    assert str(chooser.answering(behind).address) == named(pair.primary)


def test_a_move_is_told_before_any_transaction_of_the_new_host(pair: Pair) -> None:
    """So no chunk that was read on the old one is compared with what the new one sends."""
    begin = read(pair.primary)
    for _ in range(2):
        insert(pair.primary)
    pair.replicated()
    moves: list[tuple[str, int]] = []
    seen: list[Checkpoint] = []
    unfit: set[str] = set()

    def judge(facts: SourceFacts) -> None:
        if facts.variable("server_id") in unfit:
            raise Unfit("is not fit any more")

    reader = BinlogReader(
        source(pair.primary, pair.replica),
        follows=lambda *_: False,
        transaction_bytes=1_000_000,
        require_fit=judge,
        on_move=lambda: moves.append((str(reader.source.address), len(seen))),
    )
    for _ in range(2):
        with closing(reader.transactions(seen[-1] if seen else begin)) as found:  # type: ignore[type-var]
            seen.append(next(one_by_one(found)).checkpoint)
        unfit.add(str(pair.primary.execute("SELECT @@GLOBAL.server_id")[0][0]))

    assert moves == [(named(pair.replica), 1)]
    assert seen[1].position != seen[0].position


def test_a_list_of_one_host_is_that_host(pair: Pair) -> None:
    checkpoint = read(pair.primary)
    insert(pair.primary)
    pair.replicated()
    purge(pair.primary)

    with pytest.raises(PositionPurged, match=r"^the source has purged"):
        HostChooser(source(pair.primary)).accepted(checkpoint)
