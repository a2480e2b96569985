from __future__ import annotations

import json

from tests.faults.topology import MEMBERS, SOURCES, Condition, Topology, drawn


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


def test_a_topology_is_kept_and_read_again() -> None:
    for seed in range(20):
        kept = json.loads(json.dumps(drawn(seed).to_json()))

        assert Topology.from_json(kept) == drawn(seed)
