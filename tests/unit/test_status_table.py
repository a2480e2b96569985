from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from cdc.commands import status
from cdc.commands.status import POSITION_LETTERS

UUID = "d15b646e-ec7b-11f1-acd7-02fc00000001"


def facts(**changed: Any) -> dict[str, Any]:
    return {
        "stream": "shop",
        "state": "active",
        "active": {"host": "vm", "pid": 7},
        "ended_by": None,
        "process": None,
        "lag_seconds": 0.0,
        "transactions_behind": 0,
        "bytes_behind": 0,
        "binlog_headroom_bytes": None,
        "dead_letters_open": 0,
        "position": f"{UUID}:1-7",
        "committed_at": None,
        "updated_at": (datetime.now(UTC) - timedelta(seconds=70)).isoformat(),
        "source": {"reachable": True, "host": "db:3306", "error": None},
        "target": {"reachable": True, "error": None},
        "copying": None,
        "appliers": [{"host": "b", "pid": 7, "lanes": 2}],
        "embeds_owed": [],
        "jobs": [],
        **changed,
    }


def lines(**changed: Any) -> dict[str, str]:
    return {line[:13].strip(): line[14:] for line in status._table(facts(**changed)).split("\n")}


def test_colours_tell_what_needs_somebody() -> None:
    shown = lines(
        state="stopped",
        dead_letters_open=2,
        source={
            "reachable": False,
            "host": None,
            "error": "refused\x1b[2J",
            "remedy": "see cdc.yaml",
        },
    )

    assert shown["state"] == click.style("stopped", fg="red")
    assert shown["dead letters"] == click.style("2", fg="yellow")
    assert shown["source"] == click.style("refused\\u001b[2J; see cdc.yaml", fg="red")
    assert shown["target"] == click.style("reachable", fg="green")
    assert lines()["dead letters"] == "0"


def test_what_has_ended_the_last_daemon_is_told_with_the_remedy() -> None:
    ended = {"at": "2026-12-01T10:00:05+00:00", "error": "Halted", "exit_code": 4}

    shown = lines(
        state="stopped", ended_by={**ended, "message": "a\x1b\n  b", "remedy": "cdc jobs"}
    )

    said = "2026-12-01 10:00:05 UTC, Halted: a\\u001b; b"
    assert shown["ended"] == click.style(said, fg="red")
    assert shown["remedy"] == click.style("cdc jobs", fg="red")
    assert "remedy" not in lines(ended_by={**ended, "message": "a", "remedy": None})


def test_a_time_tells_how_long_ago_it_was() -> None:
    shown = lines()

    assert shown["updated at"].endswith(" UTC, 0:01:10 ago")
    assert shown["committed at"] == "-"


def test_a_long_position_is_cut_and_says_where_all_of_it_is() -> None:
    long = ",".join([f"{UUID}:1-7"] * 100)
    shown = lines(position=long)["position"]

    assert shown.startswith(long[:POSITION_LETTERS])
    assert shown.endswith("; all of it: cdc position show")
    assert len(shown) < 2 * 100


def test_one_transaction_is_singular() -> None:
    assert lines(transactions_behind=1)["behind"] == "1 transaction"
    assert lines(transactions_behind=2)["behind"] == "2 transactions"
    assert lines(transactions_behind=None)["behind"] == "-"


def test_appliers_are_told_with_their_lanes() -> None:
    assert lines()["applier"] == "process 7 on b, 2 lanes"


@pytest.mark.parametrize(
    ("attendance", "words"),
    [
        (None, None),
        ("not asked", "no applier was needed yet"),
        ("attended", "each has an applier"),
        ("unattended", "cdc run --role apply"),
    ],
)
def test_a_daemon_that_has_appliers_tells_whether_its_lanes_are_attended(
    attendance: str | None, words: str | None
) -> None:
    process = {
        "role": "active",
        "role_seconds": 5.0,
        "native": "in use",
        "per_second": {"transactions": 1.0, "operations": 2.0},
        "attendance": attendance,
        "trouble": {},
    }

    shown = lines(process=process)

    assert ("lanes" in shown) == (words is not None)
    assert (words or "") in shown.get("lanes", "")


READING = {
    "role": "active",
    "role_seconds": 5.0,
    "native": "in use",
    "per_second": {"transactions": 1.0, "operations": 2.0},
    "reading": {"file": "binlog.000007", "offset": 4},
    "trouble": {},
}


def test_figures_that_no_daemon_has_measured_are_bounds() -> None:
    looked_up = lines(lag_seconds=4.264, bytes_behind=45_349_669, binlog_headroom_bytes=0)
    measured = lines(
        lag_seconds=4.264, bytes_behind=45_349_669, binlog_headroom_bytes=7, process=READING
    )

    assert looked_up["lag"] == "4.264 s at most: so old is what was applied last"
    assert looked_up["bytes behind"] == "45349669 at most: counted from the beginning of its binlog"
    assert looked_up["headroom"] == "the source has no binlog before the one that is read next"
    assert measured["lag"] == "4.264 s"
    assert measured["bytes behind"] == "45349669"
    assert measured["headroom"] == "7 bytes of older binlogs"


def test_what_is_read_and_not_applied_yet_is_told_so() -> None:
    assert lines(transactions_behind=1, process=READING)["behind"] == "1 transaction, read already"
    assert lines(transactions_behind=0, process=READING)["behind"] == "0 transactions"
