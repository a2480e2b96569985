from __future__ import annotations

import pytest

from cdc.model.position import GtidPosition, GtidSet, Position
from cdc.observability.status import _behind
from cdc.readers.server.status import SourceStatus

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
LOGS = {"b.000002": 100, "b.000003": 200, "b.000010": 50}


def position(items: str) -> Position:
    return GtidPosition(GtidSet.parse(f"{UUID}:{items}" if items else ""))


@pytest.mark.parametrize(
    ("committed", "applied", "behind"),
    [
        ("1-10", "1-10", 0),
        ("1-10", "1-7", 3),
        ("1-10", "", 10),
        ("1-10", "1-3:5-7", 4),
        ("1-10", "1-12", 0),
        ("1-10:tag:1-2", "1-10", 2),
    ],
)
def test_transactions_behind_are_counted(committed: str, applied: str, behind: int) -> None:
    assert _behind(position(committed), position(applied)) == behind


def test_bytes_behind_are_those_after_the_place_in_every_later_file() -> None:
    look = SourceStatus(position(""), LOGS, 0.0)

    assert look.bytes_behind("b.000003", 150) == 100
    assert look.bytes_behind("b.000010", 50) == 0
    assert look.bytes_behind("b.000001", 4) is None


def test_headroom_is_what_the_source_would_purge_first() -> None:
    look = SourceStatus(position(""), LOGS, 0.0)

    assert look.headroom_bytes("b.000010") == 300
    assert look.headroom_bytes("b.000002") == 0
    assert look.headroom_bytes("") is None
