from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.faults.schedule import (
    AT_SOURCE,
    NEEDS,
    OFTEN,
    Kind,
    both,
    drawn,
    from_json,
    possible,
    to_json,
)
from tests.faults.topology import Condition, Topology, Trait

ONE = Topology("mysql-gtid", 1, 1)
THREE = Topology("mariadb-replica", 3, 2)


def test_a_seed_says_what_comes_and_when() -> None:
    kinds = possible(ONE)

    assert drawn("7", kinds, 60) == drawn("7", kinds, 60)
    assert drawn("7", kinds, 60) != drawn("8", kinds, 60)


def test_each_kind_comes_before_any_comes_again() -> None:
    kinds = possible(THREE)
    schedule = drawn("7", kinds, 1_000)

    assert {each.kind for each in schedule[: len(kinds)]} == set(kinds)
    assert sum(each.after + each.seconds for each in schedule) >= 1_000


def test_what_a_topology_is_for_comes_more_often() -> None:
    kinds = possible(Topology("mysql-gtid", 1, 1, frozenset({Condition.HEAVY})))
    at_source = [each for each in kinds if each in AT_SOURCE]

    schedule = drawn("7", at_source, 1_000)[: len(at_source) + 2]

    counted = Counter(each.kind for each in schedule)
    assert counted == {**dict.fromkeys(at_source, 1), **OFTEN}


def test_one_nemesis_is_at_the_source_and_one_at_all_the_rest() -> None:
    kinds = possible(ONE)

    at_source, at_the_rest = both(7, kinds, 1_000)

    assert {each.kind for each in at_source} == set(kinds) & AT_SOURCE
    assert {each.kind for each in at_the_rest} == set(kinds) - AT_SOURCE
    assert len(both(7, [Kind.PURGE], 60)) == 1


def test_a_schedule_is_kept_and_read_again() -> None:
    schedule = drawn("7", possible(ONE), 60)

    assert from_json(json.loads(json.dumps(to_json(schedule)))) == schedule


@pytest.mark.parametrize(
    ("topology", "can", "cannot"),
    [
        (ONE, Kind.KILL_TARGET, Kind.STEP_DOWN),
        (ONE, Kind.PURGE, Kind.MOVE_SOURCE),
        (ONE, Kind.HIDE_AT_COMMIT, Kind.DAMAGE_TARGET),
        (THREE, Kind.STEP_DOWN, Kind.CUT_TARGET),
        (THREE, Kind.PROMOTE, Kind.LOSE_TAIL),
        (Topology("mysql-gtid", 0, 1), Kind.HIDE_AMID_BATCH, Kind.HIDE_AT_COMMIT),
        (
            Topology("mysql-gtid", 1, 1, frozenset({Condition.TLS})),
            Kind.DAMAGE_TARGET,
            Kind.HIDE_AT_COMMIT,
        ),
        (
            Topology("mysql-gtid", 1, 1, frozenset({Condition.SMALL_DISKS})),
            Kind.FILL_SOURCE,
            Kind.JUMP_DAEMONS,
        ),
        (
            Topology("mariadb-replica", 3, 1, frozenset({Condition.SMALL_DISKS})),
            Kind.FILL_REPLICA,
            Kind.FILL_TARGET,
        ),
        (
            Topology("mysql-gtid", 3, 1, frozenset({Condition.SMALL_DISKS})),
            Kind.FILL_MEMBER,
            Kind.FILL_REPLICA,
        ),
        (
            Topology("mysql-gtid", 3, 1, frozenset({Condition.FAKE_CLOCKS})),
            Kind.JUMP_SOURCE,
            Kind.JUMP_TARGET,
        ),
        (
            Topology("mysql-gtid", 3, 1, frozenset({Condition.HEAVY, Condition.WIDE})),
            Kind.HEAVY_TRANSACTION,
            Kind.PURGE,
        ),
    ],
)
def test_a_topology_suffers_what_it_can(topology: Topology, can: Kind, cannot: Kind) -> None:
    kinds = possible(topology)

    assert can in kinds
    assert cannot not in kinds


def test_each_kind_can_be_suffered_by_some_topology() -> None:
    everything = frozenset(Condition)
    topologies = [
        Topology(kind, members, 1, conditions)
        for kind in ("mariadb-gtid", "mariadb-replica")
        for members in (1, 3)
        for conditions in (everything, frozenset[Condition]())
    ]

    assert {kind for each in topologies for kind in possible(each)} == set(Kind)
    assert set().union(*NEEDS.values()) == set(Trait)
