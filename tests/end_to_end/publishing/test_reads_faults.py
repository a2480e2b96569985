"""A daemon that dies while it copies loses no read, and tells none that is older than a change."""

from __future__ import annotations

import random
import signal
import time

import pytest

from cdc.model.job import Job, JobKind
from cdc.writers.observer import PublishStep, WriteStep
from cdc_sandbox.servers import KafkaServer
from tests.end_to_end.support.busy_items import changing
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.published import known_rows, reads, told
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # daemons die, and wait for leases

ROWS = 40
"""Eight chunks of the fixture's."""

STEPS: dict[PublishStep | WriteStep, int] = {
    **dict.fromkeys(PublishStep, 4),
    # Of the writes that are not chunks the first eight at most come before them.
    WriteStep.BEFORE_TRANSACTION: 10,
    WriteStep.AFTER_FIRST_WRITE: 10,
    WriteStep.BEFORE_COMMIT: 10,
    WriteStep.AFTER_COMMIT: 10,
}
"""How often each step is reached until the daemon dies there, amid the copy."""


def fill(stream: Stream) -> None:
    values = ", ".join(f"({key}, 'w')" for key in range(ROWS))
    stream.sql(f"INSERT INTO items VALUES {values}")


def assert_known(stream: Stream) -> None:
    table = {key: {"id": key, **rest} for key, rest in stream.rows("items").items()}
    assert known_rows(told(stream, "items")) == table
    stream.assert_same_content()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{type(step).__name__}.{step.name}")
def test_a_daemon_that_is_killed_reads_a_chunk_again(
    copying: Stream, step: PublishStep | WriteStep
) -> None:
    fill(copying)
    copying.settings["lease"] = {"ttl_seconds": 2}
    daemon = copying.start(fault=f"{step.value}:{STEPS[step]}")
    assert daemon.wait() == -signal.SIGKILL
    was_read = {each.key["id"] for each in told(copying, "items")}
    copying.sql(
        "UPDATE items SET word = 'later' WHERE id % 2 = 0", "DELETE FROM items WHERE id % 5 = 0"
    )

    copying.start()
    until_copied(copying)
    copying.until_caught_up()

    assert_known(copying)
    again = [each.key["id"] for each in reads(told(copying, "items"))]
    assert len(again) - len({*again}) <= 5
    if step is PublishStep.AFTER_COMMIT:
        assert len(was_read) == 5 * STEPS[step]
        assert len(again) > len({*again})
    if step is PublishStep.BEFORE_COMMIT:
        assert len(again) == len({*again})


def test_daemons_that_die_at_any_time_leave_no_read_that_is_older(copying: Stream) -> None:
    chance = random.Random(0)
    fill(copying)
    copying.settings["lease"] = {"ttl_seconds": 2}
    copying.start()
    with changing(copying, seed=1):
        for kind in (JobKind.BACKFILL, JobKind.RESYNC) * 4:
            copying.state["jobs"].insert_one(_job(copying, kind))
            copying.daemon.until_logged("job_started")
            time.sleep(chance.random())  # when it dies is what the test varies
            copying.daemon.kill()
            copying.start()

    until_copied(copying, 9)
    copying.until_caught_up()
    assert_known(copying)


def test_reads_wait_for_a_broker_that_is_away(copying: Stream, kafka: KafkaServer) -> None:
    fill(copying)
    copying.settings["start"] = "now"
    daemon = copying.start()
    copying.until_streaming()
    kafka.kill()
    copying.state["jobs"].insert_one(_job(copying))
    daemon.until_logged("publish_retry")
    copying.sql("UPDATE items SET word = 'meanwhile' WHERE id < 20")

    kafka.start()

    until_copied(copying)
    copying.until_caught_up()
    assert_known(copying)


def test_a_former_daemon_reads_nothing_behind_its_successor(copying: Stream) -> None:
    fill(copying)
    copying.settings["lease"] = {"ttl_seconds": 2}
    copying.settings["chunks"]["rows_per_second"] = 20
    former = copying.start()
    eventually(lambda: told(copying, "items"), waiting_for="reads")
    former.send(signal.SIGSTOP)
    copying.start()
    copying.sql("UPDATE items SET word = 'later'")
    until_copied(copying)
    copying.until_caught_up()

    former.send(signal.SIGCONT)
    former.until_logged("standby")

    copying.sql("DELETE FROM items WHERE id < 10")
    copying.until_caught_up()
    assert_known(copying)


def _job(stream: Stream, kind: JobKind = JobKind.BACKFILL) -> dict[str, object]:
    """Return a job as a command requests it, which would wait for its end."""
    job = Job.request(stream.name, kind, f"{stream.schema}.items", by="test")
    return job.to_document()
