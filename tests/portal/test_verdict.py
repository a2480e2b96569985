"""The sentence on top of the technical worker's page, for what a daemon can answer."""

from __future__ import annotations

from typing import Any

import pytest

from portal.dashboards.replication.daemon import Answer
from portal.dashboards.replication.verdict import verdict


def answer(lag: float | None, **more: Any) -> Answer:
    """What an active daemon says that is connected to both sides."""
    sides = {side: {"reachable": True, "error": None} for side in ("source", "target")}
    status = {
        "state": "active",
        "lag_seconds": lag,
        "transactions_behind": 0,
        **sides,
        "active": {"pid": 7, "host": "db1"},
        **more,
    }
    return Answer(status, {"trouble": {"source": None, "target": None}})


@pytest.mark.parametrize(
    ("lag", "level", "word"),
    [
        (None, "warning", "Starting"),
        (0, "good", "Up to date"),
        (0.03, "good", "Up to date"),
        (10, "good", "Up to date"),
        (11, "warning", "Behind"),
        (301, "bad", "Behind"),
    ],
)
def test_the_lag_decides_while_both_sides_are_there(
    lag: float | None, level: str, word: str
) -> None:
    judged = verdict(answer(lag), None)

    assert (judged.level, judged.word, judged.lag_seconds) == (level, word, lag)


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (0, ""),
        (1, "; 1 transaction is to come"),
        (1234, "; 1,234 transactions are to come"),
    ],
)
def test_how_much_is_to_come_is_told(behind: int, told: str) -> None:
    judged = verdict(answer(200.0, transactions_behind=behind), None)

    assert judged.sentence == f"MongoDB is 3 min 20 s behind MySQL{told}."


@pytest.mark.parametrize("lag", [None, 0, 4000])
def test_a_stream_whose_tables_are_being_copied_is_not_up_to_date(lag: float | None) -> None:
    tables = [{"table": "shop.a", "rows": 1200}, {"table": "shop.b", "rows": 34}]

    judged = verdict(answer(lag, state="copying", copying={"tables": tables}), None)

    assert (judged.level, judged.word, judged.lag_seconds) == ("warning", "First copy", lag)
    assert "1,234 rows are in MongoDB so far" in judged.sentence


def test_a_standby_speaks_for_who_is_active() -> None:
    judged = verdict(answer(0, state="standby"), None)

    assert judged.level == "good"
    assert judged.sentence.endswith("A standby answers; process 7 on db1 replicates.")


def test_a_standby_of_nobody_is_bad() -> None:
    judged = verdict(answer(0, state="standby", active=None), None)

    assert (judged.level, judged.word) == ("bad", "Nobody replicates")


def test_a_side_that_status_cannot_reach_is_away() -> None:
    unreachable = {"reachable": False, "error": "the source cannot be reached: refused"}

    judged = verdict(answer(4.0, source=unreachable), None)

    assert (judged.level, judged.word) == ("bad", "MySQL is away")
    assert "the source cannot be reached: refused" in judged.sentence


def test_a_daemon_too_slow_for_its_status_says_what_it_is_trying() -> None:
    trouble = {"source": None, "target": {"error": "no primary", "seconds": 41.0}}

    judged = verdict(Answer(process={"trouble": trouble}, problem="it is slow"), None)

    assert judged.word == "MongoDB is away"
    assert "trying to reach MongoDB for 41 s: no primary" in judged.sentence


def test_a_daemon_that_publishes_tells_that_kafka_is_away() -> None:
    lost = {"error": "_TRANSPORT: no broker answers", "seconds": 41.0}
    trouble = {"source": None, "target": None, "kafka": lost}

    judged = verdict(Answer(process={"trouble": trouble}, problem="it is slow"), None)

    assert judged.word == "Kafka is away"


def test_a_silent_daemon_is_named_with_why_it_is_silent() -> None:
    judged = verdict(Answer(problem="nobody listens at 127.0.0.1:9108"), None)

    assert judged.sentence == "Nobody listens at 127.0.0.1:9108."
    assert judged.since is None
