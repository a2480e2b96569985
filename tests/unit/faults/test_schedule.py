from __future__ import annotations

import json

from tests.faults.schedule import (
    OF_ONE_MEMBER,
    OF_THREE_MEMBERS,
    OF_TWO_SOURCES,
    Kind,
    drawn,
    from_json,
    possible,
    to_json,
)


def test_a_seed_says_what_comes_and_when() -> None:
    kinds = possible(members=1, replicated=False)

    assert drawn(7, kinds, 60) == drawn(7, kinds, 60)
    assert drawn(7, kinds, 60) != drawn(8, kinds, 60)


def test_each_kind_comes_before_any_comes_again() -> None:
    kinds = possible(members=3, replicated=True)
    schedule = drawn(7, kinds, 1_000)

    assert {each.kind for each in schedule[: len(kinds)]} == set(kinds)
    assert sum(each.after + each.seconds for each in schedule) >= 1_000


def test_a_schedule_is_kept_and_read_again() -> None:
    schedule = drawn(7, possible(members=1, replicated=False), 60)

    assert from_json(json.loads(json.dumps(to_json(schedule)))) == schedule


def test_a_target_suffers_what_it_can() -> None:
    assert (
        set(possible(members=1, replicated=False)) == set(Kind) - OF_THREE_MEMBERS - OF_TWO_SOURCES
    )
    assert set(possible(members=3, replicated=True)) == set(Kind) - OF_ONE_MEMBER
