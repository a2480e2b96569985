from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pymysql
import pytest

from tests.end_to_end.support.stream import Stream
from tests.waiting import eventually

ROWS = 3_000
BUSY_SECONDS = 2.0
COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, version INT NOT NULL, at DATETIME(3)"
)


@pytest.fixture
def filled(request: pytest.FixtureRequest, stream: Stream) -> Stream:
    """A table with rows that the stream will not see."""
    if request.node.callspec.params["stream"] == "mariadb-file":
        pytest.skip("a stream that begins with a backfill is positioned by GTIDs on MariaDB")
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": 100, "allow_brief_lock": True}
    stream.table("things", COLUMNS)
    for at in range(0, ROWS, 500):
        rows = ",".join(f"({n}, 'row {n}', 0, NOW(3))" for n in range(at, at + 500))
        stream.sql(f"INSERT INTO things VALUES {rows}")
    return stream


class Shuffler:
    """Inserts, updates, deletes and moves keys at random, as fast as it can."""

    def __init__(self, stream: Stream, seed: int, stopping: threading.Event) -> None:
        self._stream = stream
        self._random = random.Random(seed)
        self._stopping = stopping

    def __call__(self) -> None:
        with self._stream.source.connect(self._stream.schema, autocommit=True) as connection:
            while not self._stopping.is_set():
                with connection.cursor() as cursor:
                    try:
                        cursor.execute(self._statement())
                    except (pymysql.err.IntegrityError, pymysql.err.OperationalError):
                        continue  # a key that is taken, or a deadlock

    def _statement(self) -> str:
        key, other = self._random.randrange(2 * ROWS), self._random.randrange(2 * ROWS)
        return self._random.choice(
            [
                f"INSERT INTO things VALUES ({key}, 'new', 0, NOW(3))",
                f"UPDATE things SET version = version + 1, at = NOW(3) WHERE id = {key}",
                f"DELETE FROM things WHERE id = {key}",
                f"UPDATE things SET id = {other} WHERE id = {key}",
            ]
        )


@contextmanager
def shuffled(stream: Stream, seed: int) -> Iterator[None]:
    stopping = threading.Event()
    threads = [
        threading.Thread(target=Shuffler(stream, seed + each, stopping)) for each in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def assert_same(stream: Stream) -> None:
    """Both sides hold the same, and every time is in UTC."""
    for table in stream.tables:
        documents = stream.documents(table)
        for document in documents.values():
            document.update(
                {
                    name: value.replace(tzinfo=None)
                    for name, value in document.items()
                    if isinstance(value, datetime)
                }
            )
        rows = stream.rows(table)
        wrong = {key for key in {*rows, *documents} if rows.get(key) != documents.get(key)}
        assert not wrong, [(rows.get(key), documents.get(key)) for key in sorted(wrong)[:5]]


def jobs(stream: Stream, state: str) -> list[dict[str, Any]]:
    return list(stream.state["jobs"].find({"state": state}))


def until_copied(stream: Stream, count: int = 1) -> None:
    def copied() -> bool:
        stream.daemon.check_alive(waiting_for="the jobs to end")
        assert not jobs(stream, "failed"), jobs(stream, "failed")
        return len(jobs(stream, "done")) >= count

    eventually(copied, 60, waiting_for="the jobs to end")


def cdc(stream: Stream, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cdc", *arguments, "--config", str(stream.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def test_a_first_start_copies_existing_rows_beside_the_stream(filled: Stream) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed: {seed}")

    with shuffled(filled, seed):
        filled.start(ledger=False)
        until_copied(filled)

    filled.until_caught_up()
    assert_same(filled)


def test_a_backfill_that_is_killed_goes_on_where_it_was(filled: Stream) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed: {seed}")
    filled.settings["chunks"]["rows_per_second"] = 3_000
    moments = random.Random(seed)

    with shuffled(filled, seed):
        for _ in range(3):
            daemon = filled.start(ledger=False)
            daemon.until_logged("job_started")
            time.sleep(moments.uniform(0, 0.4))  # when it dies is what the test varies
            daemon.kill()
        filled.start(ledger=False)
        until_copied(filled)

    filled.until_caught_up()
    assert_same(filled)
    assert len(jobs(filled, "done")) == 1


def test_verify_finds_exactly_what_was_planted_and_resync_mends_it(filled: Stream) -> None:
    filled.start(ledger=False)
    until_copied(filled)
    things = filled.database["things"]
    things.delete_one({"_id": 5})
    things.insert_one({"_id": ROWS + 77, "name": "nobody"})
    document = things.find_one({"_id": 9})
    assert document is not None
    late = document["at"] + timedelta(milliseconds=1)
    things.update_one({"_id": 9}, {"$set": {"at": late}})

    found = cdc(filled, "verify", "--output", "json")
    mended = cdc(filled, "resync", f"{filled.schema}.things")
    again = cdc(filled, "verify")

    assert found.returncode == 1, found.stderr
    [job] = json.loads(found.stdout)
    findings = [(each["kind"], each["_id"], each["fields"]) for each in job["progress"]["findings"]]
    assert sorted(findings) == [
        ("different", 9, ["at"]),
        ("extra", ROWS + 77, []),
        ("missing", 5, []),
    ]
    assert mended.returncode == 0, mended.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert_same(filled)


def test_verify_without_a_daemon_does_the_work_itself(filled: Stream) -> None:
    filled.start(ledger=False)
    until_copied(filled)
    filled.stop()
    filled.sql("UPDATE things SET version = 7 WHERE id < 100")
    filled.database["things"].delete_one({"_id": 2_000})

    found = cdc(filled, "verify", "--repair", "--output", "json")

    assert found.returncode == 0, found.stdout + found.stderr
    [job] = json.loads(found.stdout)
    assert job["progress"]["missing"] == job["progress"]["repaired"] == 1
    assert_same(filled)


def test_verify_finds_nothing_while_both_sides_move(filled: Stream) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed: {seed}")
    filled.start(ledger=False)
    until_copied(filled)

    with shuffled(filled, seed):
        found = cdc(filled, "verify")

    assert found.returncode == 0, found.stdout + found.stderr


def test_a_table_that_is_added_later_is_copied_alone(filled: Stream) -> None:
    filled.start(ledger=False)
    until_copied(filled)
    filled.stop()
    filled.sql("CREATE TABLE more (id INT NOT NULL PRIMARY KEY, x INT)")
    filled.sql("INSERT INTO more VALUES (1, 1), (2, 2)")
    filled.follow("more")

    filled.start(ledger=False)
    until_copied(filled, 2)

    assert_same(filled)
    assert {each["table"] for each in jobs(filled, "done")} == {
        f"{filled.schema}.things",
        f"{filled.schema}.more",
    }
