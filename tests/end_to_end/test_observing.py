"""What an operator sees of a running daemon, and of one that does not run."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdc import cli
from cdc.model.job import Job, JobKind, JobState, Progress
from cdc.model.telemetry import PROOF_HEARTBEATS
from cdc_sandbox.servers.ports import free_port
from tests.end_to_end.support.daemon import Daemon
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.http import get, metrics
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands
from tests.support.waiting import eventually

SCRAPE_SECONDS = 4
"""Less than the 5 s that a source which says nothing is waited for."""

BETWEEN_WRITES_SECONDS = 0.05

STOPPED_SECONDS = 11
"""Two samples of what is kept, and a bit."""


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.settings["http"] = {"listen": "127.0.0.1:0", "stalled_after_seconds": 3}
    stream.settings["lease"] = {"ttl_seconds": 2}
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    return stream


def lag(daemon: Daemon) -> float:
    return metrics(daemon)["cdc_lag_seconds{apply}"]


def status(stream: Stream, capsys: pytest.CaptureFixture[str]) -> Document:
    capsys.readouterr()
    assert cli.run(["status", "--config", str(stream.config), "--output", "json"]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def idle_metrics(daemon: Daemon) -> dict[str, float]:
    """Return metrics that tell of nothing left to do, once: a busy machine delays heartbeats."""
    found = metrics(daemon)
    idle = found["cdc_bytes_behind"] == 0 and found["cdc_lag_seconds{apply}"] == 0
    return found if idle else {}


def test_an_idle_stream_has_no_lag(items: Stream) -> None:
    daemon = items.start()
    items.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')", "DELETE FROM items WHERE id = 2")
    items.until_caught_up()

    eventually(lambda: lag(daemon) == 0)
    heartbeats = 3 * items.settings["source"]["heartbeat_seconds"]
    idle = daemon.until_logged("batch_applied")
    assert idle
    found = eventually(lambda: idle_metrics(daemon))
    assert found["cdc_transactions_applied_total"] >= 2
    assert found["cdc_documents_written_total{items}{insert}"] >= 1
    assert found["cdc_source_connected"] == found["cdc_target_connected"] == 1
    assert found["cdc_binlog_headroom_bytes"] >= 0
    assert abs(found["cdc_clock_offset_seconds"]) < heartbeats
    assert found["cdc_batch_seconds_count{apply}"] >= 1


def test_an_idle_stream_has_no_lag_after_a_restart(items: Stream) -> None:
    """About 5 seconds. Nothing is read: the source has nothing that is not applied."""
    items.settings["source"]["heartbeat_seconds"] = 60
    items.start()
    items.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    items.until_caught_up()
    items.stop()
    long_ago = {"committed_at": datetime.now(UTC) - timedelta(days=9)}
    items.state["streams"].update_one({"_id": items.name}, {"$set": long_ago})

    daemon = items.start()
    items.until_streaming()

    assert lag(daemon) == 0
    items.settings["source"]["heartbeat_seconds"] = 0.5
    daemon = items.restart()
    eventually(lambda: metrics(daemon).get("cdc_bytes_behind") == 0)


@ONE_KIND
def test_traffic_that_touches_no_followed_table_makes_no_lag(items: Stream) -> None:
    items.sql("CREATE TABLE other (id INT NOT NULL PRIMARY KEY)")
    daemon = items.start()
    items.until_streaming()

    for number in range(20):
        items.sql(f"INSERT INTO other VALUES ({number})")
    items.until_caught_up()

    eventually(lambda: lag(daemon) == 0)


@contextmanager
def writing_ahead(stream: Stream, seconds: int) -> Iterator[None]:
    """Write without a pause that a heartbeat would fill, in a session whose time is ahead."""
    stopping = threading.Event()

    def write() -> None:
        with closing(stream.source.connect()) as connection, connection.cursor() as cursor:
            for number in itertools.count():
                cursor.execute("SET timestamp = %s", (int(time.time()) + seconds,))
                cursor.execute(f"REPLACE INTO {stream.schema}.items VALUES (1, %s)", (number,))
                connection.commit()
                if stopping.wait(BETWEEN_WRITES_SECONDS):
                    return

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        try:
            yield
        finally:
            stopping.set()
            written.result()


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_a_busy_stream_whose_sessions_set_a_later_time_does_not_lag(items: Stream) -> None:
    """About 5 seconds. A replica of MariaDB tells the time of its primary in the same way."""
    items.settings["source"]["heartbeat_seconds"] = 2
    daemon = items.start()
    items.until_streaming()

    with writing_ahead(items, 20):
        time.sleep(2 * PROOF_HEARTBEATS)
        eventually(lambda: lag(daemon) == 0)

    items.settle()


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_so_it_is_where_the_source_allows_no_second_connection(items: Stream) -> None:
    """About 5 seconds. Nobody can ask for the source's clock then; a start needs several."""
    user = {"user": f"one_{items.schema}"[:32], "password": "once"}
    items.settings["source"] |= {**user, "heartbeat_seconds": 2}
    items.sql(
        "CREATE USER {user} IDENTIFIED BY '{password}'".format(**user),
        "GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {user}".format(**user),
    )
    daemon = items.start()
    items.until_streaming()
    items.sql("ALTER USER {user} WITH MAX_USER_CONNECTIONS 1".format(**user))

    with writing_ahead(items, 20):
        time.sleep(2 * PROOF_HEARTBEATS)
        eventually(lambda: lag(daemon) == 0)

    items.until_caught_up()
    assert daemon.events("source_lost") == []
    items.sql("DROP USER {user}".format(**user))


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_heartbeats_tell_the_lag_from_end_to_end_beside_a_backfill(items: Stream) -> None:
    """About 8 seconds."""
    items.settings["start"] = "backfill"
    items.settings["source"]["heartbeat_table"] = f"{items.schema}.heartbeat"
    items.sql(
        "CREATE TABLE heartbeat (stream VARCHAR(63) NOT NULL PRIMARY KEY, beat_at DATETIME(6))",
        "INSERT INTO items VALUES (1, 'one'), (2, 'two')",
    )
    items.table("dated", "id INT NOT NULL PRIMARY KEY, born DATE")
    items.sql("SET sql_mode = ''", "INSERT INTO dated VALUES (1, '0000-00-00')")
    daemon = items.start()
    eventually(lambda: len(items.documents("items")) == 2)
    eventually(lambda: len(items.documents("dated")) == 1)
    first = items.rows("heartbeat")[items.name]

    eventually(lambda: metrics(daemon).get("cdc_lag_seconds{heartbeat}", 9) < 3)
    eventually(lambda: items.rows("heartbeat")[items.name] != first)
    table = f"{items.schema}.items"
    eventually(lambda: metrics(daemon)[f"cdc_backfill_progress_ratio{{{table}}}"] == 1)
    assert metrics(daemon)[f"cdc_backfill_rows_total{{{table}}}"] == 2
    items.sql("SET sql_mode = ''", "INSERT INTO dated VALUES (2, '0000-00-00')")
    eventually(lambda: 2 in items.documents("dated"))
    lost = [name for name in metrics(daemon) if name.startswith("cdc_value_losses_total{born}")]
    assert [metrics(daemon)[name] for name in lost] == [2]
    items.sql("UPDATE items SET word = 'new'", "DROP TABLE heartbeat")

    failed = daemon.until_logged("heartbeat_failed")
    assert "heartbeat" in failed["error"]
    updates = f"cdc_row_changes_total{{update}}{{{table}}}"
    eventually(lambda: metrics(daemon).get(updates) == 2)
    eventually(lambda: metrics(daemon)["cdc_lag_seconds{heartbeat}"] > 3)
    assert lag(daemon) == 0


@ONE_KIND
def test_a_heartbeat_table_that_cannot_be_written_is_refused_with_its_remedy(items: Stream) -> None:
    items.settings["source"]["heartbeat_table"] = f"{items.schema}.nothing"

    daemon = items.start()

    assert daemon.wait() == 3
    [said] = daemon.events("stopped")
    assert f"CREATE TABLE {items.schema}.nothing" in said["remedy"]
    items.sql(*commands(said["remedy"]))
    items.start()
    items.until_streaming()


@ONE_KIND
@pytest.mark.parametrize("side", ["source", "target"])
def test_lag_grows_while_a_side_is_silent_and_returns_to_zero(items: Stream, side: str) -> None:
    server_port = items.source.port if side == "source" else items.mongo.port
    with Proxy(server_port) as proxy:
        (items.proxied_source if side == "source" else items.proxied_target)(proxy.port)
        daemon = items.start()
        items.sql("INSERT INTO items VALUES (1, 'one')")
        items.until_caught_up()
        eventually(lambda: lag(daemon) == 0)

        proxy.black_hole()
        items.sql("UPDATE items SET word = 'unseen'")
        eventually(lambda: lag(daemon) > 3)
        seen = lag(daemon)
        eventually(lambda: lag(daemon) > seen)
        eventually(lambda: metrics(daemon)[f"cdc_{side}_connected"] == 0)
        if side == "source":
            assert _slowest_scrape_until_blind(daemon) < SCRAPE_SECONDS
        else:
            assert "Topology" not in daemon.until_logged("target_retry", 2)["error"]
        code, body = get(daemon, "/readyz")
        trouble = json.loads(body)["process"]["trouble"][side]
        assert code == 503
        assert trouble["error"]
        assert trouble["seconds"] >= 0
        proxy.heal()

        items.settle()
        eventually(lambda: lag(daemon) == 0)
        eventually(lambda: get(daemon, "/readyz")[0] == 200)


def _slowest_scrape_until_blind(daemon: Daemon) -> float:
    """Scrape until a look at the source has failed, too."""
    slowest = 0.0

    def blind() -> bool:
        nonlocal slowest
        began = time.monotonic()
        found = metrics(daemon)
        slowest = max(slowest, time.monotonic() - began)
        return "cdc_bytes_behind" not in found

    eventually(blind)
    return slowest


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@ONE_KIND
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0"])
def test_whoever_does_not_wait_for_an_answer_leaves_no_trace(items: Stream, listen: str) -> None:
    if "::1" in listen and not _has_ipv6_loopback():
        pytest.skip("this machine has no IPv6")
    items.settings["http"] = {"listen": listen}
    daemon = items.start()
    said = daemon.until_logged("http_listening")

    with socket.create_connection((said["host"], said["port"])) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")

    daemon.until_logged("http_not_awaited")
    assert daemon.stop() == 0
    assert len(daemon.log) == len(daemon.stderr.splitlines())


@ONE_KIND
def test_the_lag_of_the_last_half_hour_is_told_at_once_also_while_a_side_is_away(
    items: Stream,
) -> None:
    """About 10 seconds: three samples."""
    with Proxy(items.source.port) as proxy:
        items.proxied_source(proxy.port)
        daemon = items.start()
        items.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        items.until_caught_up()
        proxy.black_hole()
        proxy.cut()

        def recently() -> dict[str, Any]:
            code, text = get(daemon, "/status?recent")
            assert code == 200
            found: dict[str, Any] = json.loads(text)
            assert len(found["lag_history"]) > 2
            return found

        found = eventually(recently)

    assert found["stream"] == items.name
    ages = [age for age, _ in found["lag_history"]]
    assert ages == sorted(ages, reverse=True)
    assert found["lag_history"][-1][1] > 0
    assert found["tables"][f"{items.schema}.items"]["row_changes"] == 2


@ONE_KIND
def test_a_daemon_that_stood_still_tells_afterwards_how_far_behind_it_was(items: Stream) -> None:
    """It catches up within milliseconds: no look at that moment shows what was before."""
    daemon = items.start()
    items.until_caught_up()
    eventually(lambda: recent_lags(daemon))
    daemon.send(signal.SIGSTOP)
    items.sql("INSERT INTO items VALUES (1, 'one')")
    committed_at = time.monotonic()
    eventually(lambda: time.monotonic() - committed_at > STOPPED_SECONDS)

    daemon.send(signal.SIGCONT)
    waited = time.monotonic() - committed_at
    items.until_caught_up()
    found = eventually(lambda: [each for each in recent_lags(daemon) if each[1]])
    eventually(lambda: lag(daemon) == 0)
    again = recent_lags(daemon)

    assert found[-1][1] == pytest.approx(waited, abs=0.5)
    since = time.monotonic() - committed_at
    late = [(age, known) for age, known in again if known and known > 1]
    assert max(known for _, known in late) == found[-1][1]  # no later answer tells of less
    assert [age + known for age, known in late[:-1]] == [pytest.approx(since, abs=0.5)] * 2


@ONE_KIND
def test_a_source_that_changes_other_tables_alone_is_never_behind(items: Stream) -> None:
    """What changes nothing lingers for a second: less than a proof of that time holds."""
    items.settings["source"]["heartbeat_seconds"] = 5
    daemon = items.start()
    items.until_caught_up()
    eventually(lambda: lag(daemon) == 0)
    before = recent_lags(daemon)[-1][0]
    items.sql("CREATE TABLE others (id INT NOT NULL PRIMARY KEY)")
    for number in range(20):
        items.sql(f"INSERT INTO others VALUES ({number})")
        assert lag(daemon) == 0
    items.until_caught_up()

    since = [each for each in recent_lags(daemon) if each[0] < before]

    assert all(not known for _, known in since)


def recent_lags(daemon: Daemon) -> list[tuple[float, float | None]]:
    found: list[tuple[float, float | None]] = json.loads(get(daemon, "/status?recent")[1])[
        "lag_history"
    ]
    return found


@ONE_KIND
def test_a_standby_lives_but_is_not_ready(items: Stream) -> None:
    active = items.start()
    eventually(lambda: get(active, "/readyz")[0] == 200)
    standby = items.start()
    standby.until_logged("standby")

    assert get(standby, "/readyz")[0] == 503
    assert [get(each, "/readyz?standbyok")[0] for each in (active, standby)] == [200, 200]
    assert get(standby, "/healthz")[0] == 200
    assert metrics(standby)["cdc_active"] == 0
    assert json.loads(get(standby, "/status")[1])["active"]["pid"] == active.pid


@ONE_KIND
def test_a_daemon_that_hangs_is_not_healthy(items: Stream) -> None:
    """Its lock on the state document stops the renewal of the lease, for as long as it is held."""
    items.settings["lease"] = {"ttl_seconds": 1}
    daemon = items.start()
    items.until_caught_up()  # a batch would meet conflicts, and try again: that is turning
    eventually(lambda: get(daemon, "/healthz")[0] == 200)

    with items.client.start_session() as session, session.start_transaction():
        items.state["streams"].update_one(
            {"_id": items.name}, {"$set": {"note": 1}}, session=session
        )
        eventually(lambda: get(daemon, "/healthz")[0] == 503)
        session.abort_transaction()

    eventually(lambda: get(daemon, "/healthz")[0] == 200)


@ONE_KIND
def test_an_address_in_use_is_said_and_does_not_stop_the_stream(items: Stream) -> None:
    first = items.start()
    port = first.until_logged("http_listening")["port"]
    items.settings["http"] = {"listen": f"127.0.0.1:{port}"}

    second = items.start()

    assert str(port) in second.until_logged("http_unavailable")["listen"]
    first.send(signal.SIGTERM)
    second.until_logged("streaming")
    second.until_logged("http_listening")


def test_status_tells_the_truth_whether_a_daemon_runs_or_not(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = items.start()
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()
    running = status(items, capsys)
    assert json.loads(get(daemon, "/status")[1]).keys() == running.keys()

    daemon.kill()
    stopped = status(items, capsys)
    items.sql("UPDATE items SET word = 'two'", "UPDATE items SET word = 'three'")
    behind = status(items, capsys)

    assert (running["state"], running["active"]["pid"]) == ("active", daemon.pid)
    assert (stopped["state"], stopped["active"]) == ("stopped", None)
    assert stopped["lag_seconds"] == running["bytes_behind"] == stopped["bytes_behind"] == 0
    assert behind["lag_seconds"] > 0
    assert behind["bytes_behind"] > 0
    assert behind["binlog_headroom_bytes"] == stopped["binlog_headroom_bytes"] >= 0
    if isinstance(items.history, MysqlGtids):
        assert behind["transactions_behind"] == 2


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_a_stream_that_is_stopped_is_behind_from_the_binlog_on_that_it_would_read(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    items.start()
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()
    items.stop()
    before = status(items, capsys)

    for number in range(2, 6):
        items.sql("FLUSH BINARY LOGS", f"INSERT INTO items VALUES ({number}, 'unseen')")

    assert before["bytes_behind"] == 0
    assert status(items, capsys)["transactions_behind"] in (4, None)

    def tells_the_sizes_of_the_logs() -> bool:
        told = status(items, capsys)
        logs = [int(size) for _, size, *_ in items.source.execute("SHOW BINARY LOGS")]
        found = told["binlog_headroom_bytes"], told["bytes_behind"]
        return found == (sum(logs[:-4]), sum(logs[-4:]))

    # MariaDB ends the files before the last with an event of its own, in the background.
    eventually(tells_the_sizes_of_the_logs)


@ONE_KIND
def test_status_is_shown_to_people_a_line_a_fact(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    items.settings["http"] = {"listen": f"127.0.0.1:{port}"}
    items.start().until_logged("http_listening")
    items.until_caught_up()

    assert cli.run(["status", "--config", str(items.config)]) == 0

    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["stream"] == items.name
    assert lines["state"] == "active"
    assert lines["here"].startswith("active for")
    assert lines["bytes"].startswith("behind")
    assert lines["bytes"].split()[-1] == "0"
    assert lines["headroom"] != "-"
    assert "transactions/s" in " ".join(lines.values())


@ONE_KIND
def test_a_daemon_whose_lease_has_run_out_is_not_told_to_be_stopped(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    items.settings["http"] = {"listen": f"127.0.0.1:{free_port()}"}
    with Proxy(items.mongo.port) as proxy:
        direct = items.settings["target"]["uri"]
        items.proxied_target(proxy.port)
        items.start()
        items.until_caught_up()
        items.settings["target"]["uri"] = direct
        items.config.write_text(json.dumps(items.settings))

        proxy.black_hole()
        eventually(lambda: status(items, capsys)["active"] is None)
        eventually(lambda: not status(items, capsys)["process"]["target_connected"])

        assert status(items, capsys)["state"] == "active"
        proxy.heal()


@ONE_KIND
def test_status_says_so_where_a_side_does_not_answer(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    items.start()
    items.until_caught_up()
    items.stop()
    items.settings["source"]["port"] = 1
    items.config.write_text(json.dumps(items.settings))

    facts = status(items, capsys)

    assert facts["source"]["reachable"] is False
    assert "127.0.0.1:1" in facts["source"]["error"]
    assert facts["lag_seconds"] is None  # there may be nothing to wait for


@ONE_KIND
def test_status_tells_which_jobs_are_not_done(
    items: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    items.start()
    items.until_caught_up()
    items.stop()
    queued = Job.request(items.name, JobKind.RESYNC, f"{items.schema}.items", by="test")
    a_minute = timedelta(minutes=1)
    begun = replace(
        queued,
        id="begun",
        requested_at=queued.requested_at + a_minute,
        state=JobState.RUNNING,
        progress=Progress(rows=10, total=30, started_at=queued.requested_at - a_minute),
    )
    items.state["jobs"].insert_many([queued.to_document(), begun.to_document()])

    first, second = status(items, capsys)["jobs"]

    assert (first["kind"], first["state"], first["rows"]) == ("resync", "queued", 0)
    assert (second["state"], second["rows"]) == ("running", 10)
    assert (first["waits"], second["waits"]) == (True, True)
    assert second["seconds_left"] > 0
    assert cli.run(["status", "--config", str(items.config)]) == 0
    told = capsys.readouterr().out
    assert "resync queued, waits for a daemon, 0 rows" in told
    assert "resync interrupted, waits for a daemon, 10 of about 30 rows" in told
