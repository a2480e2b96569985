"""What several positions hold together."""

from __future__ import annotations

import pytest

from cdc.model.position import (
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    joined,
)

A, B = "a" * 8 + "-1111-1111-1111-" + "a" * 12, "b" * 8 + "-1111-1111-1111-" + "b" * 12


def mysql(text: str) -> Position:
    return GtidPosition(GtidSet.parse(text))


def mariadb(text: str) -> Position:
    return GtidPosition(MariadbGtids.parse(text))


def test_nothing_holds_nothing() -> None:
    assert joined([]) == ()
    assert joined([mysql("")]) == ()


def test_gtid_sets_are_one_set() -> None:
    found = joined([mysql(f"{A}:1-5"), mysql(f"{A}:4-9,{B}:1"), mysql(f"{A}:1-2")])

    assert found == (mysql(f"{A}:1-9,{B}:1"),)


def test_of_mariadb_each_server_of_a_domain_counts() -> None:
    found = joined([mariadb("0-1-103,1-1-7"), mariadb("0-2-105"), mariadb("0-1-101")])

    assert found == (mariadb("0-1-103"), mariadb("0-2-105"), mariadb("1-1-7"))


@pytest.mark.parametrize("backwards", [False, True])
def test_of_files_it_is_the_last_place(backwards: bool) -> None:
    places: list[Position] = [FilePosition("log.000002", 9), FilePosition("log.000010", 4)]

    assert joined(places[::-1] if backwards else places) == (FilePosition("log.000010", 4),)
