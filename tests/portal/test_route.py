"""The three stations of a row, for what a daemon can answer."""

from __future__ import annotations

from typing import Any

import pytest

from portal.dashboards.replication.daemon import Answer
from portal.dashboards.replication.route import Station, route


def answer(state: str = "active", *, trouble: str = "", away: str = "", **process: Any) -> Answer:
    """What a daemon says; `trouble` is a side that it retries, `away` one that does not answer."""
    sides = {
        side: {"reachable": side != away, "error": "refused" if side == away else None}
        for side in ("source", "target")
    }
    active = None if state == "stopped" else {"pid": 7, "host": "db1"}
    told = {
        "role": state,
        "source_connected": True,
        "target_connected": True,
        "source_host": "mysql.example.com:3306",
        "trouble": {
            side: {"error": "refused", "seconds": 200.0} if side == trouble else None
            for side in ("source", "target")
        },
        **process,
    }
    return Answer({"state": state, "active": active, **sides}, told)


def words(told: Answer, *, reads_mongodb: bool = True) -> list[tuple[str | None, str]]:
    return [(each.level, each.word) for each in route(told, reads_mongodb=reads_mongodb)]


def test_a_daemon_that_replicates_has_three_good_stations() -> None:
    assert route(answer(), reads_mongodb=True) == (
        Station("MySQL", "good", "connected", "mysql.example.com:3306"),
        Station("cdc", "good", "replicating", "process 7 on db1"),
        Station("MongoDB", "good", "connected"),
    )


@pytest.mark.parametrize(("side", "at"), [("source", 0), ("target", 2)])
def test_a_side_that_is_retried_is_away_for_so_long(side: str, at: int) -> None:
    station = route(answer(trouble=side), reads_mongodb=side == "source")[at]

    assert (station.level, station.word) == ("bad", "away")
    assert station.more == "tried for 3 min 20 s"


def test_a_side_that_does_not_answer_the_daemon_is_away() -> None:
    assert words(answer(away="source"))[0] == ("bad", "away")


def test_a_side_to_which_a_connection_is_being_made_is_told() -> None:
    assert words(answer(source_connected=False))[0] == ("warning", "connecting")


def test_a_standby_tells_what_it_sees_of_both_sides_and_who_replicates() -> None:
    assert words(answer("standby")) == [
        ("good", "reachable"),
        ("good", "replicating"),
        ("good", "reachable"),
    ]


@pytest.mark.parametrize(
    ("state", "level", "word"),
    [("copying", "warning", "first copy"), ("starting", "warning", "starting")],
)
def test_the_daemon_s_own_state_is_told(state: str, level: str, word: str) -> None:
    assert words(answer(state))[1] == (level, word)


def test_without_a_daemon_only_what_the_portal_reads_itself_is_known() -> None:
    silent = Answer(problem="nobody listens")

    assert words(silent) == [
        (None, "not known"),
        ("bad", "no answer"),
        ("good", "reachable"),
    ]
    assert words(silent, reads_mongodb=False)[2] == ("bad", "no answer")


def test_a_mongodb_that_the_portal_alone_does_not_reach_is_told() -> None:
    station = route(answer(), reads_mongodb=False)[2]

    assert (station.level, station.more) == ("warning", "not by the portal")


def test_a_daemon_that_is_slow_tells_what_it_knows_of_itself() -> None:
    told = answer(trouble="source")

    assert words(Answer(process=told.process, problem="slow"))[:2] == [
        ("bad", "away"),
        ("warning", "slow"),
    ]
