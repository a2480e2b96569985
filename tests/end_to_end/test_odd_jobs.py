"""Jobs that cannot be done end as failed; the stream goes on, and so do other jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from cdc.writers.jobs import UNREADABLE
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


def insert_job(stream: Stream, **more: Any) -> object:
    job = {
        "_id": f"job-{stream.state['jobs'].count_documents({})}",
        "stream": stream.name,
        "kind": "verify",
        "table": f"{stream.schema}.items",
        "options": {},
        "state": "queued",
        "requested_at": datetime.now(UTC),
        **more,
    }
    return stream.state["jobs"].insert_one(job).inserted_id


def ended(stream: Stream, job: object) -> tuple[str, str]:
    """Wait until a job has failed or is done; its state and what it says of it."""

    def state() -> str:
        stream.daemon.check_alive(waiting_for=f"the end of the job {job}")
        return str((stream.state["jobs"].find_one({"_id": job}) or {}).get("state"))

    eventually(lambda: state() in ("failed", "done"), waiting_for=f"the end of the job {job}")
    found = stream.state["jobs"].find_one({"_id": job}) or {}
    return found["state"], str(found["error"])


def followed(stream: Stream) -> Stream:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.start()
    stream.sql("INSERT INTO items VALUES (1, 'SECRET')")
    stream.until_caught_up()
    return stream


@pytest.mark.parametrize(
    "odd",
    [{"_id": ObjectId()}, {"kind": "explode"}, {"table": 7}, {"requested_at": "now"}],
    ids=["an id that is no text", "an unknown kind", "no table", "no date"],
)
def test_what_is_no_job_is_refused_once(stream: Stream, odd: dict[str, Any]) -> None:
    followed(stream)

    refused = insert_job(stream, **odd)
    job = insert_job(stream)

    assert ended(stream, refused) == ("failed", UNREADABLE)
    assert ended(stream, job) == ("done", "None")
    assert cdc(stream, "jobs", "list").returncode == 0
    stream.sql("INSERT INTO items VALUES (2, 'two')")
    stream.settle()


def test_what_failed_is_a_metric_until_it_is_made_good(stream: Stream) -> None:
    """About 25 seconds: a look at the jobs holds for 10."""
    stream.settings["http"] = {"listen": "127.0.0.1:0"}
    followed(stream)
    table = f"{stream.schema}.items"
    insert_job(stream, table=f"{stream.schema}.gone")
    failed = insert_job(stream, kind="backfill", options={"where": "no_such_column = 1"})
    name = f"cdc_jobs_failed{{backfill}}{{{table}}}"

    assert ended(stream, failed)[0] == "failed"
    eventually(lambda: metrics(stream.daemon).get(name) == 1)
    found = metrics(stream.daemon)
    made_good = cdc(stream, "backfill", table)

    assert made_good.returncode == 0, made_good.stderr
    assert found[f"cdc_jobs_failed{{verify}}{{{stream.schema}.gone}}"] == 1
    eventually(lambda: name not in metrics(stream.daemon))


def test_a_defect_fails_its_job_and_shows_no_value(stream: Stream) -> None:
    followed(stream)

    broken = insert_job(stream, options={"sample": "SECRET"})  # no number: nobody checks that

    state, error = ended(stream, broken)
    assert state == "failed"
    assert "a defect of cdc: TypeError at " in error
    assert f"cdc verify {stream.schema}.items" in error
    assert "SECRET" not in error + stream.daemon.stderr
    cancelling = f"or let it be: cdc jobs cancel --config {stream.config} {broken}"
    assert cancelling in cdc(stream, "status").stdout
    job = insert_job(stream)
    assert ended(stream, job) == ("done", "None")
    stream.sql("INSERT INTO items VALUES (2, 'two')")
    stream.settle()


@pytest.fixture
def halfway(stream: Stream) -> str:
    """The copy of a table, set aside half way through the key `second`; `first` comes before it."""
    stream.settings |= {"start": "now", "chunks": {"rows": 50, "rows_per_second": 250}}
    stream.sql("CREATE TABLE items (a INT NOT NULL, b INT NOT NULL, UNIQUE KEY second (a))")
    stream.follow("items", {"id": {"sql": "a + 1", "unique": "asserted"}, "fields": {"b": "b"}})
    stream.sql("INSERT INTO items VALUES " + ",".join(f"({n}, {-n})" for n in range(500)))
    stream.start()
    stream.until_streaming()
    job = str(insert_job(stream, kind="backfill"))

    def is_halfway() -> bool:
        found = stream.state["jobs"].find_one({"_id": job}) or {}
        return bool((found.get("progress") or {}).get("rows", 0) >= 100)

    eventually(is_halfway)
    stream.state["jobs"].update_one({"_id": job}, {"$set": {"state": "paused"}})
    stream.daemon.until_logged("job_set_aside")
    stream.sql("ALTER TABLE items ADD UNIQUE KEY first (b)")
    return job


def test_a_job_goes_on_by_the_key_by_which_it_began(stream: Stream, halfway: str) -> None:
    cdc(stream, "jobs", "resume", halfway)

    assert ended(stream, halfway) == ("done", "None")
    assert stream.database["items"].count_documents({}) == 500


def test_a_job_whose_key_is_gone_skips_no_rows_but_fails(stream: Stream, halfway: str) -> None:
    stream.sql("ALTER TABLE items DROP INDEX second")
    cdc(stream, "jobs", "resume", halfway)

    state, error = ended(stream, halfway)

    assert state == "failed"
    assert "by a key that the table no longer has (a)" in error
    assert f"ask again: cdc backfill {stream.schema}.items" in error
    assert ended(stream, insert_job(stream, kind="backfill")) == ("done", "None")
    assert stream.database["items"].count_documents({}) == 500
