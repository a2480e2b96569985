from __future__ import annotations

import json
import random
import time
from datetime import timedelta

import pytest

from tests.end_to_end.support.command import Command, cdc
from tests.end_to_end.support.jobs import jobs, until_copied
from tests.end_to_end.support.keys import INTEGER, KEYS
from tests.end_to_end.support.shuffling import ROWS, assert_same, fill, shuffled
from tests.end_to_end.support.sources import ONE_KIND
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.versions import Versions
from tests.support.waiting import eventually

CHUNK_ROWS = 100


@pytest.fixture
def copied(request: pytest.FixtureRequest, stream: Stream) -> Stream:
    """A stream that begins with a backfill."""
    if request.node.callspec.params["stream"] == "mariadb-file":
        pytest.skip("a stream that begins with a backfill is positioned by GTIDs on MariaDB")
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": CHUNK_ROWS, "allow_brief_lock": True}
    return stream


@pytest.fixture
def filled(copied: Stream) -> Stream:
    """A table with rows that the stream will not see."""
    fill(copied, INTEGER, random.Random(0))
    return copied


def saved_rows(stream: Stream) -> int:
    """How many rows the job that runs is through with."""
    [job] = stream.state["jobs"].find({"state": {"$in": ["queued", "running", "paused"]}})
    return int((job["progress"] or {"rows": 0})["rows"])


def kill_amid(stream: Stream, kind: str, moments: random.Random) -> None:
    """Kill the daemon while it works on a job; the next one goes on where the job was saved."""
    daemon = stream.daemon
    eventually(
        lambda: any(each["kind"] == kind for each in daemon.events("job_started")),
        waiting_for=f"{daemon} to begin a {kind}",
    )
    time.sleep(moments.uniform(0, 0.5))  # when it dies is what the test varies
    daemon.kill()
    done = bool(jobs(stream, "done")) and not jobs(stream, "running")
    saved = 0 if done else saved_rows(stream)
    daemon = stream.start(ledger=False)
    daemon.until_logged("streaming")  # or a command would do its job in the daemon's place
    if not done:
        assert daemon.until_logged("job_started")["rows"] == saved


def test_what_is_copied_beside_writers_and_killed_is_equal_and_never_goes_back(
    copied: Stream, budget: int
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)
    keys = moments.choice(KEYS)
    print(f"seed: {seed}, {keys}")
    fill(copied, keys, moments)
    copied.settings["chunks"]["rows_per_second"] = ROWS // budget  # it outlasts the kills
    versions = Versions(copied.client, copied.database)

    with shuffled(copied, keys, seed):
        copied.start(ledger=False)
        for _ in range(2 * budget):
            kill_amid(copied, "backfill", moments)
        until_copied(copied)
        resync = Command(copied, "resync", f"{copied.schema}.things")
        kill_amid(copied, "resync", moments)
        resync.wait()
        verify = Command(copied, "verify")
        kill_amid(copied, "verify", moments)
        verify.wait()
        copied.stop()
        killed = Command(copied, "resync", f"{copied.schema}.things")
        eventually(lambda: jobs(copied, "running"), waiting_for="the command to work alone")
        time.sleep(moments.uniform(0, 0.5))
        killed.kill()
        alone = cdc(copied, "verify")
        copied.start(ledger=False)
    copied.until_caught_up()

    assert resync.returncode == 0, resync.stderr
    assert verify.returncode == 0, verify.stdout + verify.stderr
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert_same(copied, keys)
    steps_back = versions.steps_back("things")
    assert not steps_back, steps_back[:5]
    assert versions.seen > ROWS
    print(f"{versions.seen} changes of documents")


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
    filled.stop()
    filled.sql("UPDATE things SET version = 7 WHERE id < 100")
    things.delete_one({"_id": 1_900})
    alone = cdc(filled, "verify", "--repair", "--output", "json")

    assert found.returncode == 1, found.stderr
    [job] = json.loads(found.stdout)
    findings = [(each["kind"], each["id"], each["fields"]) for each in job["findings"]]
    assert sorted(findings) == [
        ("different", 9, ["at"]),
        ("extra", ROWS + 77, []),
        ("missing", 5, []),
    ]
    assert mended.returncode == 0, mended.stderr
    assert alone.returncode == 0, alone.stdout + alone.stderr
    [job] = json.loads(alone.stdout)
    assert job["missing"] == job["repaired"] == 1
    assert_same(filled)


@ONE_KIND
def test_a_job_may_be_limited_paused_resumed_and_cancelled(filled: Stream) -> None:
    table = f"{filled.schema}.things"
    filled.start(ledger=False)
    until_copied(filled)
    filled.stop()
    filled.settings["chunks"]["rows_per_second"] = 600
    filled.start(ledger=False)
    filled.database["things"].delete_many({})

    part = cdc(filled, "backfill", table, "--from=100", "--to=199", "--where=id % 2 = 0")
    assert part.returncode == 0, part.stderr
    assert set(filled.documents("things")) == set(range(100, 200, 2))

    began = time.monotonic()
    whole = Command(filled, "backfill", table)
    job = eventually(lambda: jobs(filled, "running"))[0]["_id"]
    eventually(lambda: saved_rows(filled) > 0, waiting_for="a first chunk to be saved")
    assert cdc(filled, "jobs", "pause", job).returncode == 0
    filled.daemon.until_logged("job_set_aside")
    paused = saved_rows(filled)
    assert 0 < paused < ROWS
    assert cdc(filled, "jobs", "resume", job).returncode == 0
    assert whole.returncode == 0
    assert time.monotonic() - began > (ROWS - CHUNK_ROWS) / 600
    assert f"backfill {table}: paused" in whole.stderr
    progress = next(each for each in jobs(filled, "done") if each["_id"] == job)["progress"]
    assert progress["rows"] == progress["written"] == ROWS  # no chunk twice, none left out
    assert_same(filled)

    given_up = Command(filled, "resync", table)
    job = eventually(lambda: jobs(filled, "running"))[0]["_id"]
    assert cdc(filled, "jobs", "cancel", job).returncode == 0
    assert given_up.returncode == 1
    assert "cancelled" in given_up.stdout
    filled.daemon.until_logged("job_set_aside", 2)


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_a_row_whose_key_moves_to_what_was_read_has_a_document(filled: Stream) -> None:
    """The key is in no document: by the document alone the update changes nothing."""
    filled.sql("ALTER TABLE things ADD UNIQUE KEY (name)")
    filled.follow("things", {"id": "name", "fields": {"version": "version"}})
    filled.settings["chunks"]["rows_per_second"] = 600
    filled.start(ledger=False)
    eventually(lambda: jobs(filled, "running") and saved_rows(filled) > 0)

    filled.sql(f"UPDATE things SET id = -1 WHERE id = {ROWS - 1}")
    until_copied(filled)
    filled.until_caught_up()

    assert {*filled.documents("things")} == {f"row {number}" for number in range(ROWS)}


@ONE_KIND
def test_a_table_that_is_added_later_is_copied_alone(filled: Stream) -> None:
    filled.start(ledger=False)
    until_copied(filled)
    filled.stop()
    filled.sql("CREATE TABLE more (id INT NOT NULL PRIMARY KEY, x INT)")
    filled.sql("INSERT INTO more VALUES (1, 1), (2, 2)")
    filled.follow("more")
    filled.follow("last", {"source": f"{filled.schema}.last*", "id": [{"source": "table"}, "id"]})

    filled.start(ledger=False)
    until_copied(filled, 2)
    filled.sql("CREATE TABLE last1 (id INT PRIMARY KEY)", "INSERT INTO last1 VALUES (1)")
    filled.until_caught_up()
    filled.stop()
    filled.start(ledger=False)
    filled.until_streaming()

    filled.tables.remove("last")
    assert_same(filled)
    assert sorted(each["table"] for each in jobs(filled, "done")) == [
        f"{filled.schema}.more",
        f"{filled.schema}.things",
    ]
    assert not jobs(filled, "queued")  # the stream brought every row of what was created since
    assert [each["_id"]["id"] for each in filled.database["last"].find()] == [1]
