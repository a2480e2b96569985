"""`source.time_zone`: DATETIME columns that hold the clock of a zone, from table to document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.waiting import eventually

COLUMNS = "id INT NOT NULL PRIMARY KEY, at DATETIME(3), seen TIMESTAMP(3) NULL"
WINTER, SUMMER = "2024-01-15 12:00:00.250", "2024-07-15 12:00:00.250"


@pytest.fixture
def zoned(stream: Stream) -> Stream:
    """A stream whose source holds the clock of Berlin, with rows before it begins and after."""
    stream.settings["source"]["time_zone"] = "Europe/Berlin"
    stream.settings["start"] = "backfill"
    stream.table("events", COLUMNS)
    stream.sql(f"INSERT INTO events VALUES (1, '{WINTER}', NULL), (2, '{SUMMER}', NULL)")
    stream.start(ledger=False)
    until_copied(stream)
    stream.sql(f"INSERT INTO events VALUES (3, '{WINTER}', NULL), (4, '{SUMMER}', NULL)")
    stream.until_caught_up()
    return stream


def moments(stream: Stream) -> dict[int, datetime]:
    return {key: each["at"] for key, each in stream.documents("events").items()}


@pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
def test_copied_and_streamed_rows_hold_the_moment(zoned: Stream) -> None:
    winter = datetime(2024, 1, 15, 11, 0, 0, 250_000, tzinfo=UTC)
    summer = datetime(2024, 7, 15, 10, 0, 0, 250_000, tzinfo=UTC)

    assert moments(zoned) == {1: winter, 2: summer, 3: winter, 4: summer}
    verify = cdc(zoned, "verify")
    assert verify.returncode == 0, verify.stdout + verify.stderr


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
def test_another_zone_is_an_edit_of_the_mapping(zoned: Stream) -> None:
    zoned.stop()
    zoned.settings["source"]["time_zone"] = "+05:30"

    refused = zoned.start(ledger=False)
    assert refused.wait() == 2
    [stopped] = refused.events("stopped")
    assert "is not the mapping by which its documents were made" in stopped["message"]
    assert typed(commands(stopped["remedy"])[0]).returncode == 0
    zoned.start(ledger=False)

    moved = datetime(2024, 1, 15, 6, 30, 0, 250_000, tzinfo=UTC)
    eventually(lambda: moments(zoned)[1] == moved, waiting_for="the resync")
