"""What somebody types about tables and jobs: refused at once where it cannot be done, and told."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Document, Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.waiting import eventually

GTIDS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)"


@pytest.fixture
def items(stream: Stream) -> Stream:
    """A stream that has applied three rows of `items`."""
    stream.table("items", COLUMNS)
    stream.table("dated", "day DATE NOT NULL, word VARCHAR(20) NOT NULL, PRIMARY KEY (day, word)")
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    stream.start(ledger=False)
    stream.until_caught_up()
    return stream


def jobs(stream: Stream) -> list[Document]:
    return list(stream.state["jobs"].find())


@pytest.mark.parametrize(
    ("table", "options", "why"),
    [
        ("items", ["--where", "id >"], "cannot read this range"),
        ("items", ["--where", "wrod = 'one'"], "cannot read this range"),
        ("items", ["--where", "1) OR (1"], None),
        ("items", ["--from", "one"], "is no value of the key column id"),
        ("items", ["--to", "1,2"], "is no value of the key column id"),
        ("items", ["--from", "3", "--to", "2"], "behind the last one"),
        ("dated", ["--from", "2024-05-06"], "it has 2 columns"),
        ("dated", ["--from", "yesterday,a"], "is no value of the key column day"),
        ("dated", ["--from", "2024-05-06,b", "--to", "2024-05-06,a"], "behind the last one"),
        ("dated", ["--from", "2024-05-06,a", "--to", "2024-05-06,b"], None),
        ("items", ["--from", "2", "--to", "2"], None),
    ],
)
@GTIDS
def test_a_range_that_cannot_be_read_is_refused_before_anything_is_queued(
    items: Stream, table: str, options: list[str], why: str | None
) -> None:
    command = Command(items, "backfill", f"{items.schema}.{table}", *options)

    assert command.returncode == (0 if why is None else 2), command.stderr
    if why is not None:
        assert why in command.stderr
        assert "remedy" in command.stderr or "key column" in command.stderr
        assert jobs(items) == []


@MYSQL
def test_what_a_table_cannot_take_is_refused_before_anything_is_queued(items: Stream) -> None:
    items.stop()
    items.follow("items", {"id": {"sql": "CONCAT('i', id)", "unique": "asserted"}})

    command = Command(items, "resync", f"{items.schema}.items")

    assert command.returncode == 2
    assert "cdc backfill" in command.stderr
    assert jobs(items) == []


@GTIDS
def test_a_resync_of_all_leaves_out_what_it_cannot_do_and_says_so(items: Stream) -> None:
    items.follow("never")
    items.table("named", COLUMNS, {"id": {"sql": "CONCAT('n', id)", "unique": "asserted"}})
    items.sql("INSERT INTO named VALUES (1, 'one')")
    items.restart()
    items.until_caught_up()

    done = Command(items, "resync", "--all")

    assert done.returncode == 0, done.stderr
    assert f"not resynced: {items.schema}.never does not exist" in done.stderr
    assert "not resynced: named: its ids are expressions" in done.stderr
    asked = [each for each in jobs(items) if each["requested_by"] == "command-line"]
    assert {each["table"].partition(".")[2]: each["kind"] for each in asked} == {
        "items": "resync",
        "dated": "resync",
        "named": "backfill",
    }
    assert {each["state"] for each in asked} == {"done"}


@MYSQL
def test_a_table_that_is_gone_is_told_of_and_leaves_no_job_behind(items: Stream) -> None:
    items.follow("never")
    items.restart()
    items.until_caught_up()

    compared = Command(items, "verify")

    assert compared.returncode == 1, compared.stderr
    assert (
        f"not compared: {items.schema}.never does not exist, or may not be read: cdc check --config"
        in compared.stderr
    )
    assert {each["state"] for each in jobs(items)} == {"done"}


@MYSQL
def test_a_table_that_may_not_be_read_is_not_said_to_be_missing(items: Stream) -> None:
    reader = f"reader_{items.schema}"[:32]
    items.sql(
        f"CREATE USER {reader} IDENTIFIED BY 'secret'",
        f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {reader}",
        f"GRANT SELECT ON items TO {reader}",
    )
    items.settings["source"] |= {"user": reader, "password": "secret"}
    items.configure()  # of the command; the daemon goes on with its own

    compared = Command(items, "verify")

    assert compared.returncode == 1, compared.stderr
    assert (
        f"not compared: {items.schema}.dated does not exist, or may not be read" in compared.stderr
    )
    assert f"verify {items.schema}.items: 3 rows compared, all equal" in compared.stdout
    items.sql(f"DROP USER {reader}")


@MYSQL
def test_what_cannot_be_found_by_its_id_is_copied_again_and_never_asked_for_what_must_fail(
    items: Stream,
) -> None:
    """By an ALTER, by an edit of its mapping, and as one of all tables."""
    items.settings["start"] = "backfill"
    named: Document = {"id": {"sql": "CONCAT('n', id)", "unique": "asserted"}}
    items.table("named", COLUMNS, named)
    items.sql("INSERT INTO named VALUES (1, 'one')")
    items.restart().until_logged("job_done")
    items.sql("ALTER TABLE named ADD COLUMN number INT NOT NULL DEFAULT 7")
    row = {"id": 1, "word": "one", "number": 7}
    eventually(lambda: items.documents("named") == {"n1": row})

    compared = Command(items, "verify")

    assert compared.returncode == 1, "what is not compared may differ"
    assert "not compared: named: its ids are expressions" in compared.stderr
    items.stop()
    items.follow("named", {**named, "exclude": ["word"]})
    refused = items.start(ledger=False)
    assert refused.wait() == 2
    again, *_ = commands(refused.events("stopped")[0]["remedy"])
    assert typed(again).returncode == 0
    assert items.documents("named") == {"n1": {"id": 1, "number": 7}}
    assert Command(items, "check").returncode == 0
    assert {each["state"] for each in jobs(items)} == {"done"}


@MYSQL
def test_a_sample_of_a_small_table_is_all_of_it(items: Stream) -> None:
    items.database["items"].delete_one({"_id": 2})

    command = Command(items, "verify", f"{items.schema}.items", "--sample", "1%")

    assert command.returncode == 1
    assert "3 rows compared, 1 missing" in command.stdout


@MYSQL
def test_that_nothing_was_compared_is_said(items: Stream) -> None:
    command = Command(items, "verify", f"{items.schema}.dated", "--sample", "10")

    assert command.returncode == 0
    assert "no row was compared" in command.stdout


@MYSQL
def test_an_edited_mapping_is_no_matter_for_other_tables(items: Stream) -> None:
    items.stop()
    items.settings["start"] = "backfill"
    items.state["streams"].delete_one({"_id": items.name})
    items.start(ledger=False).until_logged("job_done", 2)
    items.follow("dated", {"nulls": "omit"})

    verified = Command(items, "verify", f"{items.schema}.items")
    refused = Command(items, "verify", f"{items.schema}.dated")

    assert verified.returncode == 0, verified.stderr
    assert refused.returncode == 2
    assert "is not the mapping by which" in refused.stderr


@MYSQL
def test_a_job_whose_process_died_is_told_to_wait_for_a_daemon(items: Stream) -> None:
    begun = _begun(items)

    listed = eventually(lambda: _listed(items, "interrupted"))

    assert begun[:8] in listed
    assert "waits for a daemon" in listed
    status = Command(items, "status")
    assert status.returncode == 0
    assert "interrupted, waits for a daemon" in status.stdout
    as_json = Command(items, "jobs", "list", "--output", "json")
    assert as_json.returncode == 0
    [shown] = json.loads(as_json.stdout)
    assert (shown["state"], shown["waits"]) == ("running", True)


def _begun(stream: Stream) -> str:
    """Have a daemon work on a job that takes long, and kill it; return the job's id."""
    stream.stop()
    stream.settings["chunks"] = {"rows": 1, "rows_per_second": 1}
    stream.sql("INSERT INTO items VALUES " + ",".join(f"({n}, 'x')" for n in range(10, 70)))
    stream.start(ledger=False)
    stream.until_caught_up()
    command = Command(stream, "backfill", f"{stream.schema}.items")
    found: Any = eventually(lambda: stream.state["jobs"].find_one({"state": "running"}))
    stream.daemon.kill()
    command.kill()
    return str(found["_id"])


def _listed(stream: Stream, word: str) -> str:
    command = Command(stream, "jobs", "list")
    command.wait()
    return command.stdout if word in command.stdout else ""


@MYSQL
def test_ctrl_c_tells_that_the_job_lives_on_and_how_to_end_it(items: Stream) -> None:
    items.stop()
    items.settings["chunks"] = {"rows": 1, "rows_per_second": 1}
    items.sql("INSERT INTO items VALUES " + ",".join(f"({n}, 'x')" for n in range(10, 70)))
    items.start(ledger=False)
    items.until_caught_up()
    command = Command(items, "backfill", f"{items.schema}.items")
    job: Any = eventually(lambda: items.state["jobs"].find_one({"state": "running"}))

    command.send(signal.SIGINT)

    assert command.returncode == 130
    assert "lives on" in command.stderr
    printed = f"cdc jobs cancel --config {items.config} {job['_id']}"
    assert printed in command.stderr
    cancelled = Command(items, "jobs", "cancel", job["_id"][:6], "--output", "json")
    assert cancelled.returncode == 0
    assert json.loads(cancelled.stdout)["state"] == "cancelled"


@MYSQL
def test_jobs_are_listed_under_a_header_the_newest_so_many(items: Stream) -> None:
    for _ in range(3):
        assert Command(items, "backfill", f"{items.schema}.items").returncode == 0

    listed = Command(items, "jobs", "list", "--limit", "2")

    assert listed.returncode == 0
    header, *lines = listed.stdout.splitlines()
    assert header.split() == ["JOB", "ASKED", "(UTC)", "KIND", "STATE", "ROWS", "TABLE"]
    newest = [each["_id"] for each in items.state["jobs"].find().sort("requested_at", 1)][-2:]
    assert [line.split()[0] for line in lines] == [each[:8] for each in newest]
    assert lines[0].split()[3:] == ["backfill", "done", "3", f"{items.schema}.items"]
    assert "and 1 older one: --limit 3 lists all" in listed.stderr


@MYSQL
def test_what_is_unfit_is_logged_with_its_remedy_apart(items: Stream) -> None:
    items.stop()
    items.sql("CREATE TABLE views_only (id INT PRIMARY KEY) ENGINE=MyISAM")
    items.follow("views_only")

    daemon = items.start(ledger=False)

    assert daemon.wait() == 3
    [said] = daemon.events("stopped")
    assert said["remedy"].startswith("run: ALTER TABLE")
    assert "remedy" not in said["message"]
    assert "ALTER TABLE" not in said["message"]
