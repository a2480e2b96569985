"""A transaction too large to hold travels in parts, and a crash between two is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream
from tests.support.memory import ceiling_megabytes
from tests.support.waiting import eventually

ROWS = 20_000
PART_BYTES = 200_000

FILL = f"""
INSERT INTO wide
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {ROWS})
SELECT n, REPEAT(CHAR(97 + n % 26), 40), n FROM counted
"""


@pytest.fixture
def wide(stream: Stream) -> Stream:
    stream.settings["apply"] = {"transaction_bytes": PART_BYTES}
    stream.table(
        "wide", "id INT NOT NULL PRIMARY KEY, filling VARCHAR(1000) NOT NULL, number INT NOT NULL"
    )
    stream.table("small", "id INT NOT NULL PRIMARY KEY")
    return stream


def allow_recursion(stream: Stream) -> str:
    variable = (
        "max_recursive_iterations"
        if stream.source.flavour == "mariadb"
        else ("cte_max_recursion_depth")
    )
    return f"SET SESSION {variable} = 10000000"


def large(stream: Stream) -> list[str]:
    return [
        allow_recursion(stream),
        "BEGIN",
        "INSERT INTO small VALUES (1)",
        FILL,
        "UPDATE wide SET number = number + 1 WHERE id % 2 = 0",
        "DELETE FROM wide WHERE id % 5 = 0",
        "INSERT INTO small VALUES (2)",
        "COMMIT",
        "INSERT INTO small VALUES (3)",
    ]


def test_a_large_transaction_arrives_in_parts_and_whole(wide: Stream) -> None:
    wide.start()

    wide.sql(*large(wide))

    wide.settle()
    assert len(wide.daemon.events("batch_applied")) > 3


@pytest.mark.parametrize("fault", ["before_commit:3", "after_commit:4"])
def test_a_daemon_killed_between_two_parts_goes_on_with_the_next(wide: Stream, fault: str) -> None:
    wide.sql(*large(wide))
    assert wide.start(fault=fault).wait() == -9
    state = wide.state_document()
    assert state is not None
    assert state["inflight"]["rows_events"] > 0

    wide.start()

    wide.settle()


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_a_transaction_of_many_small_rows_fits_the_target(stream: Stream) -> None:
    stream.table("small", "id INT NOT NULL PRIMARY KEY")
    stream.start()

    stream.sql(
        allow_recursion(stream),
        "INSERT INTO small WITH RECURSIVE counted (n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 60000) SELECT n FROM counted",
        "UPDATE small SET id = -id",
    )

    stream.until_caught_up()
    assert stream.database["small"].count_documents({"_id": {"$lt": 0}}) == 60_000
    assert stream.database["small"].count_documents({}) == 60_000


@pytest.mark.long
@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_memory_stays_bounded_whatever_a_transaction_weighs(stream: Stream, budget: int) -> None:
    megabytes = 300 if budget > 1 else 100
    stream.table("wide", "id INT NOT NULL PRIMARY KEY, filling VARCHAR(5000) NOT NULL")
    stream.start()
    stream.until_streaming()

    stream.sql(
        allow_recursion(stream),
        "INSERT INTO wide WITH RECURSIVE counted (n) AS"
        f" (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {megabytes * 250})"
        " SELECT n, REPEAT('x', 4000) FROM counted",
    )
    eventually(stream.caught_up, 200)

    peak = largest_resident_set(stream.daemon.pid)
    print(f"a transaction of {megabytes} MB: resident set at most {peak >> 20} MB")
    assert stream.database["wide"].count_documents({}) == megabytes * 250
    assert peak < 300 << 20


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_memory_stays_bounded_however_large_rows_are(stream: Stream) -> None:
    """Each update's event holds its row twice, and the table is read beside the stream."""
    row = 12_000_000
    stream.table("large", "id INT NOT NULL PRIMARY KEY, body LONGTEXT NOT NULL, number INT")
    stream.start()
    stream.until_streaming()

    stream.sql(*(f"INSERT INTO large VALUES ({key}, REPEAT('x', {row}), 0)" for key in range(6)))
    stream.sql("UPDATE large SET number = number + 1")
    resync = Command(stream, "resync", f"{stream.schema}.large")
    stream.sql(*(f"UPDATE large SET number = number + 1 WHERE id = {key}" for key in range(6)))

    assert resync.returncode == 0, resync.stderr
    stream.settle()
    peak = largest_resident_set(stream.daemon.pid) / 1e6
    ceiling = ceiling_megabytes({}, 2 * row)
    print(f"rows of {row >> 20} MiB: resident set at most {peak:.0f} MB of {ceiling:.0f}")
    assert peak < ceiling


def largest_resident_set(pid: int) -> int:
    """The most memory that a living process has held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) << 10
