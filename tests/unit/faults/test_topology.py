from __future__ import annotations

import json

from tests.faults.topology import (
    MEMBERS,
    RARE,
    SOURCES,
    UNPUBLISHED,
    Condition,
    Topology,
    drawn,
)


def test_a_seed_says_what_a_campaign_runs_on() -> None:
    assert drawn(7) == drawn(7)
    seen = [drawn(seed) for seed in range(200)]

    assert {each.kind for each in seen} == set(SOURCES)
    assert {each.members for each in seen} == set(MEMBERS)
    assert {each.daemons for each in seen} == {1, 2, 3}
    assert set().union(*(each.conditions for each in seen)) == set(Condition)


def test_what_is_given_is_not_drawn() -> None:
    given = drawn(
        7, kinds=["mysql-file"], members=0, daemons=5, conditions=frozenset({Condition.TLS})
    )

    assert given == Topology("mysql-file", 0, 5, frozenset({Condition.TLS}))


def test_a_machine_gets_no_condition_that_it_cannot_make() -> None:
    seen = [drawn(seed, possible=[Condition.TLS]) for seed in range(20)]

    assert {each.conditions for each in seen} == {frozenset(), frozenset({Condition.TLS})}


def test_conditions_that_take_minutes_are_rare() -> None:
    usual = frozenset(Condition) - RARE.keys() - {Condition.PUBLISHING}
    seen = [drawn(seed, members=3, possible=[*usual, *RARE]) for seed in range(600)]

    for each in Condition:
        share = sum(each in topology.conditions for topology in seen) / len(seen)
        assert share < 0.25 if each not in usual else share > 0.4


def test_what_takes_more_than_a_broker_has_is_not_published() -> None:
    given = drawn(7, members=1, conditions=UNPUBLISHED | {Condition.PUBLISHING})

    assert given.conditions == {Condition.PUBLISHING}
    assert drawn(7, members=1, conditions=UNPUBLISHED).conditions == UNPUBLISHED
    assert not any(
        each.publishes and each.conditions & UNPUBLISHED for each in map(drawn, range(300))
    )


def test_a_topology_is_kept_and_read_again() -> None:
    for seed in range(20):
        kept = json.loads(json.dumps(drawn(seed).to_json()))

        assert Topology.from_json(kept) == drawn(seed)
