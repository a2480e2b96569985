"""Two streams and one collection: it is the first one's, and the second is refused by name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cdc.writers.observer import WriteStep
from tests.end_to_end.support.command import Command
from tests.end_to_end.support.stream import Stream

Streams = tuple[Stream, Stream]


@pytest.fixture
def streams(two_streams: Streams) -> Streams:
    """One from MySQL and one from MariaDB, with one state and one target database."""
    first, second = two_streams
    for each, row in ((first, 1), (second, 2)):
        each.settings["start"] = "backfill"
        each.table("orders", "id INT NOT NULL PRIMARY KEY, note TEXT")
        each.sql(f"INSERT INTO orders VALUES ({row}, 'of {each.name}')")
    return first, second


def claims(stream: Stream) -> dict[str, Any]:
    found = stream.state["claims"].find()
    return {each["_id"].partition(".")[2]: each["stream"] for each in found}


def settled(stream: Stream) -> None:
    """Run until everything is copied and applied."""
    stream.start(ledger=False)
    stream.daemon.until_logged("job_done")
    stream.until_caught_up()


def assert_refused(stream: Stream, owner: Stream) -> None:
    stream.configure()
    check = Command(stream, "check")
    assert check.returncode == 3
    [line] = [each for each in check.stdout.splitlines() if "claim on" in each]
    assert line.startswith("unfit")
    stream.start(ledger=False)
    assert stream.daemon.wait() == 3
    for told in (line, stream.daemon.stderr):
        assert f"the stream {owner.name} writes it" in told
        assert f"cdc claims release --config {stream.config} {owner.database.name}.orders" in told


def test_the_second_stream_is_refused_and_touches_nothing(streams: Streams) -> None:
    first, second = streams
    settled(first)

    assert_refused(second, first)
    second.sql("TRUNCATE orders")
    resync = Command(second, "resync", f"{second.schema}.orders")

    assert resync.returncode == 2, "it was never started"
    assert second.state_document() is None
    assert first.documents("orders") == {1: {"note": f"of {first.name}"}}
    assert claims(first) == {"orders": first.name}
    first.sql("TRUNCATE orders")
    first.until_caught_up()
    assert first.documents("orders") == {}


def test_a_collection_of_the_same_name_in_another_database_is_another(streams: Streams) -> None:
    first, second = streams
    settled(first)
    second.database = second.client[f"{second.schema}_docs"]
    second.settings["target"] = {**first.settings["target"], "database": second.database.name}

    settled(second)

    assert second.documents("orders") == {2: {"note": f"of {second.name}"}}


def test_streams_that_shared_a_collection_before_are_told_apart_at_the_next_start(
    streams: Streams,
) -> None:
    first, second = streams
    settled(first)
    first.stop()
    first.state["claims"].drop()
    settled(second)
    second.stop()

    second.state["claims"].drop()  # as both had run before there were claims
    first.start(ledger=False)
    first.until_streaming()

    assert claims(first) == {"orders": first.name}
    assert_refused(second, first)


def test_a_standby_with_another_mapping_does_not_take_anothers_collection(
    streams: Streams,
) -> None:
    first, second = streams
    second.table("others", "id INT NOT NULL PRIMARY KEY")
    second.sql("INSERT INTO others VALUES (7)")
    (second.config.parent / "mappings" / "orders.yaml").rename(second.config.parent / "aside")
    settled(second)
    (second.config.parent / "aside").rename(second.config.parent / "mappings" / "orders.yaml")
    standby = second.start(ledger=False)
    standby.until_logged("standby")

    settled(first)
    active = second.daemons[0]
    active.kill()

    assert standby.wait() == 3
    assert f"the stream {first.name} writes it" in standby.stderr
    assert first.documents("orders") == {1: {"note": f"of {first.name}"}}


def test_a_collection_that_a_stream_leaves_is_the_next_ones_without_old_documents(
    streams: Streams,
) -> None:
    first, second = streams
    settled(first)
    first.stop()
    (first.config.parent / "mappings" / "orders.yaml").unlink()
    first.table("others", "id INT NOT NULL PRIMARY KEY")
    first.start(ledger=False)
    first.until_streaming()

    settled(second)

    assert claims(first) == {"orders": second.name, "others": first.name}
    assert second.documents("orders") == {2: {"note": f"of {second.name}"}}


def test_a_claim_is_released_once_its_stream_is_stopped(streams: Streams) -> None:
    first, second = streams
    settled(first)
    name = f"{first.database.name}.orders"

    active = Command(first, "claims", "release", name)
    assert active.returncode == 1
    assert "is active" in active.stderr
    first.stop()
    assert Command(first, "claims", "release", name).returncode == 0
    listed = Command(first, "claims", "list", "--output", "json")
    assert listed.returncode == 0
    [shown] = json.loads(listed.stdout)
    assert (shown["collection"], shown["stream"], shown["former"]) == (name, None, first.name)
    again = Command(first, "claims", "release", name)
    assert (again.returncode, "no stream has claimed" in again.stderr) == (2, True)

    settled(second)

    assert second.documents("orders") == {2: {"note": f"of {second.name}"}}
    assert_refused(first, second)
    text = Command(first, "claims", "list")
    assert text.returncode == 0
    header, line = text.stdout.splitlines()
    assert header.split() == ["COLLECTION", "STREAM", "SINCE", "(UTC)", "IDS"]
    assert re.fullmatch(rf"{name}  {second.name}  [-0-9]+ [:0-9]+  all", line)
    assert line.index(second.name) == header.index("STREAM")


@pytest.mark.parametrize(
    "point",
    [
        WriteStep.BEFORE_TRANSACTION,
        WriteStep.AFTER_FIRST_WRITE,
        WriteStep.BEFORE_COMMIT,
        WriteStep.AFTER_COMMIT,
    ],
    ids=lambda point: point.value,
)
def test_a_daemon_killed_as_it_claims_leaves_all_of_its_claims_or_none(
    streams: Streams, point: WriteStep
) -> None:
    _, second = streams
    settled(second)
    second.stop()
    (second.config.parent / "mappings" / "orders.yaml").unlink()
    for name in ("these", "those"):
        second.table(name, "id INT NOT NULL PRIMARY KEY")

    died = second.start(fault=f"{point.value}:1", ledger=False)
    assert died.wait() == -9
    found = claims(second)

    whole = {"orders": None, "these": second.name, "those": second.name}
    assert found == (whole if point is WriteStep.AFTER_COMMIT else {"orders": second.name})
    second.start(ledger=False)
    second.until_streaming()
    assert claims(second) == whole
